package collectors

import "context"

// embellish reads what only adds to rows that another source has decided over. Its
// failing is no reason to do without the rows: what it does not tell is unknown in
// them, and the only error is that of the context. told says whether all of it was
// read.
//
// What decides is read without it: the dump or the file that has a row for each
// thing. So is what a caller asked for by name.
func embellish(ctx context.Context, read func() error) (told bool, err error) {
	if read() != nil {
		return false, ctx.Err()
	}
	return true, nil
}
