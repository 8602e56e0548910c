package convert

import (
	"fmt"

	"go.temporal.io/api/common/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/transcode"
)

// Bounds of fairness (temporal.api.common.v1.Priority).
const (
	maxFairnessKeyBytes = 64
	minFairnessWeight   = 0.001
	maxFairnessWeight   = 1000
)

// priority returns the priority to send, which is never nil, as in the SDKs.
func (v *Validation) priority(pointer string, priority *openapi.Priority) *common.Priority {
	sent := &common.Priority{}
	if priority == nil {
		return sent
	}
	if priority.PriorityKey != nil {
		sent.PriorityKey = *priority.PriorityKey
		if sent.GetPriorityKey() < 1 {
			v.Add(pointer+"/priorityKey", "must be at least 1")
		}
	}
	sent.FairnessKey = priority.FairnessKey
	if len(sent.GetFairnessKey()) > maxFairnessKeyBytes {
		v.Add(pointer+"/fairnessKey", fmt.Sprintf("must be at most %d bytes", maxFairnessKeyBytes))
	}
	if priority.FairnessWeight != nil {
		sent.FairnessWeight = *priority.FairnessWeight
		if w := sent.GetFairnessWeight(); w < minFairnessWeight || w > maxFairnessWeight {
			v.Add(pointer+"/fairnessWeight", "must be between 0.001 and 1000")
		}
	}
	return sent
}

func priorityView() []transcode.ViewField {
	return []transcode.ViewField{
		{Field: "priority_key", As: "priorityKey"},
		{Field: "fairness_key", As: "fairnessKey"},
		{Field: "fairness_weight", As: "fairnessWeight"},
	}
}

// priority returns the fields that are set, or nil if none is.
func priority(p *common.Priority) *openapi.Priority {
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
