package sync

// OnceValue as of Go 1.21 (but for its care of panics), for older compilers.
func OnceValue[T any](f func() T) func() T {
	var once Once
	var value T
	return func() T {
		once.Do(func() { value = f() })
		return value
	}
}

// OnceValues as of Go 1.21 (but for its care of panics), for older compilers.
func OnceValues[T1, T2 any](f func() (T1, T2)) func() (T1, T2) {
	var once Once
	var first T1
	var second T2
	return func() (T1, T2) {
		once.Do(func() { first, second = f() })
		return first, second
	}
}
