package strings

// CutPrefix as of Go 1.20, for older compilers.
func CutPrefix(s, prefix string) (after string, found bool) {
	return TrimPrefix(s, prefix), HasPrefix(s, prefix)
}
