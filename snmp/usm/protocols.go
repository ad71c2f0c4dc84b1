package usm

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"  //nolint:gosec // RFC 3414 has it; see CheckFIPS
	"crypto/md5"  //nolint:gosec // RFC 3414 has it; see CheckFIPS
	"crypto/sha1" //nolint:gosec // RFC 3414 has it
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"slices"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// Hash is an authentication protocol, named after its hash function.
type Hash uint8

// The authentication protocols.
const (
	NoAuth Hash = iota // usmNoAuthProtocol
	MD5                // usmHMACMD5AuthProtocol (RFC 3414, section 6)
	SHA1               // usmHMACSHAAuthProtocol (RFC 3414, section 7)
	SHA224             // usmHMAC128SHA224AuthProtocol (RFC 7860)
	SHA256             // usmHMAC192SHA256AuthProtocol
	SHA384             // usmHMAC256SHA384AuthProtocol
	SHA512             // usmHMAC384SHA512AuthProtocol
)

type hashProperties struct {
	names    []string // the first is the one that is printed
	protocol uint32   // below snmpAuthProtocols
	new      func() hash.Hash
	key, mac int // octets
}

var hashes = [...]hashProperties{
	NoAuth: {names: []string{"none"}, protocol: 1},
	MD5:    {[]string{"MD5"}, 2, md5.New, md5.Size, 12},
	SHA1:   {[]string{"SHA", "SHA-1", "SHA1"}, 3, sha1.New, sha1.Size, 12},
	SHA224: {[]string{"SHA-224", "SHA224"}, 4, sha256.New224, sha256.Size224, 16},
	SHA256: {[]string{"SHA-256", "SHA256"}, 5, sha256.New, sha256.Size, 24},
	SHA384: {[]string{"SHA-384", "SHA384"}, 6, sha512.New384, sha512.Size384, 32},
	SHA512: {[]string{"SHA-512", "SHA512"}, 7, sha512.New, sha512.Size, 48},
}

// maxMAC is the longest result of a hash, in octets; a MAC is the beginning of one.
const maxMAC = sha512.Size

var snmpAuthProtocols = mib.MakeOID(1, 3, 6, 1, 6, 3, 10, 1, 1)

// OID returns what usmUserAuthProtocol says of users that have it.
func (h Hash) OID() mib.OID { return snmpAuthProtocols.Sub(h.properties().protocol) }

// KeySize returns the length of its keys in octets, 0 for NoAuth.
func (h Hash) KeySize() int { return h.properties().key }

// MACSize returns the length of msgAuthenticationParameters in octets.
func (h Hash) MACSize() int { return h.properties().mac }

// CheckFIPS says why a user may not have the protocols where FIPS 140 is to be kept. MD5 and DES are
// not approved. HMAC with SHA-1 is, until the end of 2030 (NIST SP 800-131A), and so are HMAC with
// SHA-2, and AES. Keys of AES-192 and AES-256 that are longer than the hash are made in ways that no
// standard has (NIST SP 800-135, section 5.4).
func CheckFIPS(h Hash, c Cipher) error {
	switch {
	case h == MD5:
		return fmt.Errorf("%s is not allowed by FIPS 140: SHA and longer ones are", h)
	case c == DES:
		return fmt.Errorf("%s is not allowed by FIPS 140: AES is", c)
	case c.KeySize() > h.KeySize():
		return fmt.Errorf("%s is not allowed by FIPS 140 with %s, whose keys are shorter: with SHA-256 and longer ones it is", c, h)
	}
	return nil
}

// String returns net-snmp's name of it, such as "SHA-256".
func (h Hash) String() string { return h.properties().names[0] }

func (h Hash) properties() *hashProperties {
	if int(h) >= len(hashes) {
		return &hashProperties{names: []string{fmt.Sprintf("Hash(%d)", h)}}
	}
	return &hashes[h]
}

// Cipher is a privacy protocol.
type Cipher uint8

// The privacy protocols. AES with more than 128 bits is no RFC's. Where the hash of
// the user is shorter than the key, two ways to extend it are in use, each with
// names of its own; a user with either is understood in both (see [User]).
const (
	NoPriv  Cipher = iota // usmNoPrivProtocol
	DES                   // usmDESPrivProtocol (RFC 3414, section 8)
	AES128                // usmAesCfb128Protocol (RFC 3826)
	AES192                // draft-blumenthal-aes-usm-04
	AES256                // the same
	AES192C               // with the key extension of draft-reeder-snmpv3-usm-3desede-00
	AES256C               // the same
)

type cipherProperties struct {
	names []string
	oid   mib.OID
	key   int // octets
	other Cipher
}

var (
	snmpPrivProtocols = mib.MakeOID(1, 3, 6, 1, 6, 3, 10, 1, 2)
	blumenthal        = mib.MakeOID(1, 3, 6, 1, 4, 1, 14832, 1)
	reeder            = mib.MakeOID(1, 3, 6, 1, 4, 1, 9, 12, 6, 1)
)

var ciphers = [...]cipherProperties{
	NoPriv:  {[]string{"none"}, snmpPrivProtocols.Sub(1), 0, NoPriv},
	DES:     {[]string{"DES"}, snmpPrivProtocols.Sub(2), 16, DES},
	AES128:  {[]string{"AES", "AES-128", "AES128"}, snmpPrivProtocols.Sub(4), 16, AES128},
	AES192:  {[]string{"AES-192", "AES192"}, blumenthal.Sub(3), 24, AES192C},
	AES256:  {[]string{"AES-256", "AES256"}, blumenthal.Sub(4), 32, AES256C},
	AES192C: {[]string{"AES-192-C", "AES192C"}, reeder.Sub(1), 24, AES192},
	AES256C: {[]string{"AES-256-C", "AES256C"}, reeder.Sub(2), 32, AES256},
}

// OID returns what usmUserPrivProtocol says of users that have it.
func (c Cipher) OID() mib.OID { return c.properties().oid }

// KeySize returns the length of its localised keys in octets, 0 for NoPriv. Of DES
// half of that is the key, and half makes initialisation vectors.
func (c Cipher) KeySize() int { return c.properties().key }

// String returns net-snmp's name of it, such as "AES-256-C".
func (c Cipher) String() string { return c.properties().names[0] }

// sibling returns the cipher that differs in how keys are extended only, or c.
func (c Cipher) sibling() Cipher { return c.properties().other }

func (c Cipher) reeder() bool { return c == AES192C || c == AES256C }

func (c Cipher) properties() *cipherProperties {
	if int(c) >= len(ciphers) {
		return &cipherProperties{names: []string{fmt.Sprintf("Cipher(%d)", c)}, other: c}
	}
	return &ciphers[c]
}

// block returns the block cipher of a localised key.
func (c Cipher) block(key []byte) (cipher.Block, error) {
	if len(key) != c.KeySize() {
		return nil, fmt.Errorf("a key of %s has %d octets, not %d", c, c.KeySize(), len(key))
	}
	if c == DES {
		return des.NewCipher(key[:des.BlockSize]) //nolint:gosec // RFC 3414 has it
	}
	return aes.NewCipher(key)
}

// ParseHash returns the authentication protocol of a name as net-snmp's
// configuration has it, in any case of letters: MD5, SHA, SHA-224 to SHA-512. The error names
// those that there are.
func ParseHash(name string) (Hash, error) {
	for h := MD5; int(h) < len(hashes); h++ {
		if matches(hashes[h].names, name) {
			return h, nil
		}
	}
	return NoAuth, fmt.Errorf("authentication protocol %q is not known: there are MD5, SHA, SHA-224, SHA-256, SHA-384 and SHA-512", name)
}

// ParseCipher does the same for privacy protocols: DES, AES, AES-192, AES-256,
// AES-192-C, AES-256-C. The error names those that there are.
func ParseCipher(name string) (Cipher, error) {
	for c := DES; int(c) < len(ciphers); c++ {
		if matches(ciphers[c].names, name) {
			return c, nil
		}
	}
	return NoPriv, fmt.Errorf("privacy protocol %q is not known: there are DES, AES, AES-192, AES-256, AES-192-C and AES-256-C", name)
}

// HashOf returns the authentication protocol with an OID.
func HashOf(o mib.OID) (Hash, bool) {
	for h := range hashes {
		if Hash(h).OID() == o {
			return Hash(h), true
		}
	}
	return NoAuth, false
}

// CipherOf returns the privacy protocol with an OID.
func CipherOf(o mib.OID) (Cipher, bool) {
	for c := range ciphers {
		if Cipher(c).OID() == o {
			return Cipher(c), true
		}
	}
	return NoPriv, false
}

func matches(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}
