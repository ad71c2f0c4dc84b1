package traffic

// chunkSize is how many rows are allocated at a time.
const chunkSize = 128

// chunks are rows that stay where they are when others are added.
type chunks[T any] [][]T

// add returns a new row.
func (l *chunks[T]) add() *T {
	n := len(*l)
	if n == 0 || len((*l)[n-1]) == chunkSize {
		*l = append(*l, make([]T, 0, chunkSize))
		n++
	}
	chunk := &(*l)[n-1]
	*chunk = (*chunk)[:len(*chunk)+1]
	return &(*chunk)[len(*chunk)-1]
}

// len is how many rows there are.
func (l chunks[T]) len() int {
	if len(l) == 0 {
		return 0
	}
	return (len(l)-1)*chunkSize + len(l[len(l)-1])
}

// all yields each row, and reports whether all were yielded.
func (l chunks[T]) all(yield func(*T) bool) bool {
	for _, chunk := range l {
		for i := range chunk {
			if !yield(&chunk[i]) {
				return false
			}
		}
	}
	return true
}
