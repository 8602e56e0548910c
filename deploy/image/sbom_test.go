package image_test

import (
	"debug/buildinfo"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/deploy/deploytest"
)

// TestBillOfMaterialsListsEveryModule compares the SPDX document of bin/gateway with the modules that Go's linker has
// recorded in the binary.
func TestBillOfMaterialsListsEveryModule(t *testing.T) {
	t.Parallel()
	gateway, name := deploytest.GatewayBinary(t), filepath.Join(t.TempDir(), "gateway.spdx.json")
	command := inRepository(t, "go", "run", "./sbom", gateway, version, name)
	command.Dir = filepath.Join(command.Dir, "tools")
	output(t, command)
	text := read(t, name)
	var document struct {
		Version  string `json:"spdxVersion"`
		Packages []struct {
			ID                 string `json:"spdxid"`
			Name               string `json:"name"`
			Version            string `json:"versionInfo"`
			ExternalReferences []struct {
				Locator string `json:"referenceLocator"`
			} `json:"externalRefs"`
		} `json:"packages"`
		Relationships []struct {
			From string `json:"spdxElementId"`
			To   string `json:"relatedSpdxElement"`
			Type string `json:"relationshipType"`
		} `json:"relationships"`
	}
	require.NoError(t, json.Unmarshal(text, &document))
	require.Equal(t, "SPDX-2.3", document.Version)

	info, err := buildinfo.ReadFile(gateway)
	require.NoError(t, err)
	require.NotEmpty(t, info.Deps)
	want := []string{info.Main.Path + " v" + version, "stdlib " + strings.TrimPrefix(info.GoVersion, "go")}
	for _, module := range info.Deps {
		require.Nil(t, module.Replace)
		want = append(want, module.Path+" "+module.Version)
	}
	var listed []string
	depends := map[string]bool{}
	for _, relationship := range document.Relationships {
		depends[relationship.From+" "+relationship.Type+" "+relationship.To] = true
	}
	for _, module := range document.Packages {
		listed = append(listed, module.Name+" "+module.Version)
		require.Len(t, module.ExternalReferences, 1)
		require.Equal(t, "pkg:golang/"+strings.ToLower(module.Name)+"@"+module.Version, module.ExternalReferences[0].Locator)
		if module.ID == document.Packages[0].ID {
			require.True(t, depends["SPDXRef-DOCUMENT DESCRIBES "+module.ID])
			continue
		}
		require.True(t, depends[document.Packages[0].ID+" DEPENDS_ON "+module.ID], "%s has a unique id", module.Name)
	}
	require.Equal(t, want, listed)
	require.Len(t, depends, len(want))
}
