package payload

// IsSimpleJSON exports isSimpleJSON for tests.
func IsSimpleJSON(data []byte) bool { return isSimpleJSON(data) }
