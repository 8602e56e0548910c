package limit

// Networks returns the number of networks in memory.
func (f *Failures) Networks() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.byNetwork)
}

// Callers returns the number of callers that hold bytes or wait for bytes.
func (b *Bytes) Callers() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.holders)
}

// MaxLimiters is the maximum number of limiters of a [Rates].
const MaxLimiters = maxLimiters

// Limiters returns the number of limiters.
func Limiters(r *Rates) int { return r.byCaller.Len() }
