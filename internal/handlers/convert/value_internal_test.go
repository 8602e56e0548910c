package convert

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

func TestAResultIsPlainJSONOrAPayload(t *testing.T) {
	t.Parallel()
	payloads := func(encoding, data string) *common.Payloads {
		return &common.Payloads{Payloads: []*common.Payload{{
			Metadata: map[string][]byte{"encoding": []byte(encoding)}, Data: []byte(data),
		}}}
	}
	for _, c := range []struct {
		list *common.Payloads
		want string
	}{
		{nil, `{}`},
		{payloads("binary/null", ""), `{"result":null}`},
		{payloads("json/plain", `{"b":1.10,"a":[]}`), `{"result":{"b":1.10,"a":[]}}`},
		{payloads("json/plain", `{`), `{"resultPayload":{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"ew=="}}`},
		{payloads("json/protobuf", `{"x":1}`), `{"resultPayload":{"metadata":{"encoding":"anNvbi9wcm90b2J1Zg=="},"data":"eyJ4IjoxfQ==","json":{"x":1}}}`},
		{payloads("binary/plain", "\x00"), `{"resultPayload":{"metadata":{"encoding":"YmluYXJ5L3BsYWlu"},"data":"AA=="}}`},
	} {
		body := openapi.QueryResult{}
		body.Result, body.ResultPayload = FirstPayload(c.list)
		got, err := Marshal(body)
		require.NoError(t, err)
		require.Equal(t, c.want, string(got))
	}
}
