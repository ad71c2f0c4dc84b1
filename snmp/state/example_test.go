package state_test

import (
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/netsnmp-agent/netsnmp-agent/snmp/state"
)

// What is put into a section is there when the directory is opened again. Two processes do
// not have it at one time.
func ExampleFile() {
	dir, err := os.MkdirTemp("", "state")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	f, err := state.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	if err := f.Put(map[string]any{"doors": []string{"front", "back"}}); err != nil {
		log.Fatal(err)
	}
	_, err = state.Open(dir)
	fmt.Println(errors.Is(err, state.ErrInUse))
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}

	if f, err = state.Open(dir); err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	var doors []string
	found, err := f.Get("doors", &doors)
	fmt.Println(found, doors, err)
	found, err = f.Get("windows", &doors)
	fmt.Println(found, err)
	// Output:
	// true
	// true [front back] <nil>
	// false <nil>
}
