package payload

// PlainlyValid is the short cut of validJSON.
func PlainlyValid(data []byte) bool { return plainlyValid(data) }
