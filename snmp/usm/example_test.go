package usm_test

import (
	"fmt"
	"log"

	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

// The key of RFC 3414, appendix A.3.2: that of a passphrase for one engine. A key is never
// printed, unless Bytes gives it away.
func ExampleHash_Localize() {
	engine, err := usm.ParseEngineID("0x000000000000000000000002")
	if err != nil {
		log.Fatal(err)
	}
	sha, err := usm.ParseHash("SHA")
	if err != nil {
		log.Fatal(err)
	}
	master, err := sha.MasterKey(usm.NewSecret([]byte("maplesyrup")))
	if err != nil {
		log.Fatal(err)
	}
	key, err := sha.Localize(master, engine)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key)
	fmt.Printf("%x\n", key.Bytes())
	// Output:
	// ***
	// 6695febc9288e36282235fc7151f128497b38f3f
}

// The keys of a user are made for the engine that it is a user of.
func ExampleCredentials() {
	engine, err := usm.TextEngineID("example")
	if err != nil {
		log.Fatal(err)
	}
	credentials := usm.Credentials{
		Name: "reader",
		Auth: usm.SHA256, AuthSecret: usm.NewSecret([]byte("a long passphrase")),
		Priv: usm.AES128,
	}
	user, err := credentials.Localize(engine)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.Name, user.Auth, user.Priv, engine)
	credentials.AuthSecret = usm.NewSecret([]byte("short"))
	_, err = credentials.Localize(engine)
	fmt.Println(err)
	// Output:
	// reader SHA-256 AES 0x80001f88046578616d706c65
	// authentication: the passphrase has 5 octets: at least 8 are needed
}
