package convert

import (
	"fmt"

	"go.temporal.io/api/common/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/transcode"
)

// The limits of the fairness key and weight (temporal.api.common.v1.Priority).
const (
	maxFairnessKeyBytes = 64
	minFairnessWeight   = 0.001
	maxFairnessWeight   = 1000
)

// priority returns the priority to send. As in the SDKs, it is never nil.
func (v *Validation) priority(pointer string, p *openapi.Priority) *common.Priority {
	sent := &common.Priority{}
	if p == nil {
		return sent
	}
	if p.PriorityKey != nil {
		sent.PriorityKey = *p.PriorityKey
		if sent.GetPriorityKey() < 1 {
			v.Add(pointer+"/priorityKey", "must be at least 1")
		}
	}
	sent.FairnessKey = p.FairnessKey
	if len(sent.GetFairnessKey()) > maxFairnessKeyBytes {
		v.Add(pointer+"/fairnessKey", fmt.Sprintf("must be at most %d bytes", maxFairnessKeyBytes))
	}
	if p.FairnessWeight != nil {
		sent.FairnessWeight = *p.FairnessWeight
		if w := sent.GetFairnessWeight(); w < minFairnessWeight || w > maxFairnessWeight {
			v.Add(pointer+"/fairnessWeight", "must be between 0.001 and 1000")
		}
	}
	return sent
}

// PriorityView returns the fields of a priority in a view.
func PriorityView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "priority_key", As: "priorityKey"},
		{Field: "fairness_key", As: "fairnessKey"},
		{Field: "fairness_weight", As: "fairnessWeight"},
	}
}

// renderPriority returns the fields that are set, or nil if none is.
func renderPriority(p *common.Priority) *openapi.Priority {
	rendered := openapi.Priority{FairnessKey: p.GetFairnessKey()}
	if key := p.GetPriorityKey(); key != 0 {
		rendered.PriorityKey = &key
	}
	if weight := p.GetFairnessWeight(); weight != 0 {
		rendered.FairnessWeight = &weight
	}
	if rendered == (openapi.Priority{}) {
		return nil
	}
	return &rendered
}
