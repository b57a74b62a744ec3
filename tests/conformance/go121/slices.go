// Package slices: what the suite uses of Go 1.21's, for older compilers.
package slices

func Contains[E comparable](s []E, v E) bool {
	for i := range s {
		if s[i] == v {
			return true
		}
	}
	return false
}

func DeleteFunc[S ~[]E, E any](s S, del func(E) bool) S {
	kept := s[:0]
	for _, e := range s {
		if !del(e) {
			kept = append(kept, e)
		}
	}
	return kept
}
