package limit

// Networks counts those that are remembered.
func (f *Failures) Networks() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.byNetwork)
}

// Callers counts those that the pool remembers.
func (p *Pool) Callers() int { return p.slots.Callers() }

// Callers counts those that hold bytes or wait for some.
func (b *Bytes) Callers() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.holders)
}
