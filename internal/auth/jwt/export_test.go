package jwt

// Parse exports parse for the fuzz test.
func Parse(raw string) (claims map[string]any, alg string, err error) {
	t, err := parse(raw)
	if err != nil {
		return nil, "", err
	}
	return t.claims, t.alg, nil
}
