package server

import (
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/docs"
)

// newPages makes the pages for people, none when they are switched off.
func newPages(cfg config.Docs) (*docs.Site, error) {
	if !cfg.Enabled {
		return nil, nil //nolint:nilnil // no pages is no error
	}
	return docs.New(docs.Options{
		Documents: []docs.Document{
			{Title: "Flowgate", Path: "/v1/openapi.json"},
			{Title: "Temporal HTTP API", Path: "/openapi.yaml"},
		},
		Folder: cfg.Folder,
	})
}
