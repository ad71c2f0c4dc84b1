package agentx

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestComplaints holds that a fault is said once as long as it lasts, and again
// when it ended or another master has it, but not more often than once a minute.
func TestComplaints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		s, err := New(Config{Handler: sample(t, nil), Log: slog.New(slog.NewTextHandler(&out, nil))})
		if err != nil {
			t.Fatal(err)
		}
		said := func(do func()) int {
			before := strings.Count(out.String(), "\n")
			do()
			return strings.Count(out.String(), "\n") - before
		}
		refuse := func(of, why string) func() {
			return func() { s.complain(of, "it refuses", "error", why) }
		}
		wait := func(d time.Duration) func() { return func() { time.Sleep(d) } }
		var got []int
		for _, do := range []func(){
			refuse("a", "no"), refuse("b", "no"), refuse("a", "no"), wait(time.Hour), refuse("a", "no"),
			func() { s.recovered("a") }, refuse("b", "no"), refuse("a", "no"), func() { s.recovered("a") }, refuse("a", "no"),
			refuse("a", "other"), wait(time.Minute), refuse("a", "other"), s.forgive, refuse("a", "other"), refuse("b", "no"), refuse("a", "other"),
		} {
			got = append(got, said(do))
		}
		if want := []int{1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 1, 0}; !slices.Equal(got, want) {
			t.Errorf("lines %v, want %v", got, want)
		}
	})
}
