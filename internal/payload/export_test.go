package payload

// IsSimpleJSON is the short cut of validJSON.
func IsSimpleJSON(data []byte) bool { return isSimpleJSON(data) }
