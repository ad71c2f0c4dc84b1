package recording_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/recording"
)

// Two moments of this host's interfaces, and the difference between them.
func Example() {
	kernel, err := collectors.Open(collectors.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer kernel.Close()
	directory, err := os.MkdirTemp("", "recording")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(directory)

	ctx := context.Background()
	path := filepath.Join(directory, "interfaces.rec")
	recorder, err := recording.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	interfaces := recording.Options{Kinds: []recording.Kind{recording.KindInterface}}
	for range 2 {
		if err := recorder.Record(ctx, interfaces, recording.One(kernel)); err != nil {
			log.Fatal(err)
		}
	}
	if err := recorder.Close(); err != nil {
		log.Fatal(err)
	}

	file, err := recording.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	for moment, err := range file.Moments() {
		if err != nil {
			log.Fatal(err)
		}
		stack, err := moment.Stack("")
		if err != nil {
			log.Fatal(err)
		}
		for i, err := range stack.Interfaces(ctx) {
			if err != nil {
				log.Fatal(err)
			}
			if i.Flags&netstat.InterfaceLoopback != 0 {
				fmt.Println("moment", moment.Number(), "has", i.Name)
			}
		}
		// Nothing else was recorded, and nothing else is shown.
		_, err = stack.TCPStatistics(ctx)
		fmt.Println(errors.Is(err, netstat.ErrNotSupported))
	}
	// Output:
	// moment 0 has lo
	// true
	// moment 1 has lo
	// true
}

// A recording goes to anything that can be written to.
func ExampleWrite() {
	kernel, err := collectors.Open(collectors.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer kernel.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var b bytes.Buffer
	if err := recording.Write(ctx, &b, kernel, recording.Options{Kinds: []recording.Kind{recording.KindAddress, recording.KindRoute}}); err != nil {
		log.Fatal(err)
	}
	file, err := recording.NewFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	stack, err := file.Stack(recording.Choice{})
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range stack.Contents() {
		fmt.Println(c.Kind, c.Part, c.Err)
	}
	// Output:
	// address  <nil>
	// route ipv4 <nil>
	// route ipv6 <nil>
}
