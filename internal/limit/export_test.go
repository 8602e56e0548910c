package limit

// Networks counts those that are remembered.
func (f *Failures) Networks() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.byNetwork)
}
