package wire

import (
	_ "embed"
	"net/http"
)

// openAPIDocument describes every route of this package (OpenAPI 3.1).
//
//go:embed openapi.json
var openAPIDocument []byte

// openAPI serves GET /v2/openapi.json.
func (h *handler) openAPI(w *writer, r *http.Request) error {
	if err := h.allow(r, "read", ""); err != nil {
		return err
	}
	w.Header().Set("Content-Type", typeJSON)
	_, _ = w.Write(openAPIDocument) // an error means that the client has left
	return nil
}
