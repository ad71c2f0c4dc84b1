package main

import "testing"

// A wish that is told again has nothing arranged: the screen tells it after each
// arrangement, and would go round for ever.
func TestWishToldAgain(t *testing.T) {
	first := wish{order: "-size"}
	a := newArranger(nil, first, nil, nil)
	a.want(first)
	if len(a.dirty) != 0 {
		t.Error("the wish that there was is arranged anew")
	}
	other := wish{order: "size"}
	a.want(other)
	if len(a.dirty) != 1 {
		t.Fatal("another wish is not arranged")
	}
	<-a.dirty
	a.want(other)
	if len(a.dirty) != 0 {
		t.Error("the other wish is arranged twice")
	}
}
