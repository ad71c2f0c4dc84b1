package fresh_test

import (
	"context"
	"fmt"
	"log"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
)

// Nothing is read before somebody asks. What is read goes to everybody who asks while it is
// fresh.
func ExampleSource() {
	source := fresh.New(func(context.Context) (map[string]int, error) {
		return map[string]int{"front": 900, "rear": 1200}, nil
	})
	_, known := source.Age()
	fmt.Println("read:", known)

	fans, err := source.Get(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	_, known = source.Age()
	fmt.Println("read:", known, "front:", fans["front"])
	// Output:
	// read: false
	// read: true front: 900
}
