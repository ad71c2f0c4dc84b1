package usm

import (
	"errors"
	"fmt"
	"hash"
)

// MinPassphrase is the least number of octets of a passphrase (RFC 3414, section
// 11.2).
const MinPassphrase = 8

// stretched is how many octets a passphrase is repeated to (RFC 3414, appendix
// A.2).
const stretched = 1 << 20

// MasterKey makes a user's key Ku of a passphrase, which is the same for all
// engines (RFC 3414, appendix A.2). It takes some milliseconds, on purpose. A
// passphrase of fewer than MinPassphrase octets is an error.
func (h Hash) MasterKey(passphrase Secret) (Secret, error) {
	if h.properties().new == nil {
		return Secret{}, errors.New("there is no authentication protocol")
	}
	if n := passphrase.Len(); n < MinPassphrase {
		return Secret{}, fmt.Errorf("the passphrase has %d octets: at least %d are needed", n, MinPassphrase)
	}
	return NewSecret(stretch(h.properties().new(), passphrase.Bytes())), nil
}

// stretch hashes a password repeated to a megabyte.
func stretch(h hash.Hash, password []byte) []byte {
	// A piece that holds the password a whole number of times is written over
	// and over; most of what it takes is hashing then.
	piece := make([]byte, 0, len(password)+4096)
	for len(piece) < 4096 {
		piece = append(piece, password...)
	}
	for left := stretched; left > 0; left -= len(piece) {
		h.Write(piece[:min(left, len(piece))])
	}
	return h.Sum(nil)
}

// Localize makes of a user's key Ku the one for an engine, Kul (RFC 3414, section
// 2.6). It fails for NoAuth, and for a master key of another length than the hash has.
func (h Hash) Localize(master Secret, engine EngineID) (Secret, error) {
	if h.properties().new == nil {
		return Secret{}, errors.New("there is no authentication protocol")
	}
	if master.Len() != h.KeySize() {
		return Secret{}, fmt.Errorf("a master key of %s has %d octets, not %d", h, h.KeySize(), master.Len())
	}
	return NewSecret(localize(h.properties().new(), master.Bytes(), engine)), nil
}

func localize(h hash.Hash, key []byte, engine EngineID) []byte {
	h.Write(key)
	h.Write([]byte(engine))
	h.Write(key)
	return h.Sum(nil)
}

// LocalizePrivacy makes of a user's privacy key Ku, which is made with the user's
// hash, the one of a cipher for an engine. Where the hash is shorter than the key, it
// is extended in the cipher's way. It fails as Localize does.
func (h Hash) LocalizePrivacy(master Secret, engine EngineID, c Cipher) (Secret, error) {
	local, err := h.Localize(master, engine)
	if err != nil {
		return Secret{}, err
	}
	return NewSecret(h.extend(local.Bytes(), engine, c)), nil
}

// extend makes a localised key as long as a cipher wants it.
func (h Hash) extend(local []byte, engine EngineID, c Cipher) []byte {
	key := append([]byte(nil), local...)
	for last := local; len(key) < c.KeySize(); {
		if c.reeder() {
			// What was made last is a password of its own
			// (draft-reeder-snmpv3-usm-3desede-00, section 2.1).
			master := stretch(h.properties().new(), last)
			last = localize(h.properties().new(), master, engine)
		} else {
			// The hash of all that there is (draft-blumenthal-aes-usm-04,
			// section 3.1.2.1).
			d := h.properties().new()
			d.Write(key)
			last = d.Sum(nil)
		}
		key = append(key, last...)
	}
	return key[:c.KeySize()]
}

// siblingKey returns the localised key of the cipher that differs from c in how keys
// are extended only. A localised key begins with the hash's whole result, which the
// rest was made of in the one way and can be made of in the other.
func (h Hash) siblingKey(key []byte, engine EngineID, c Cipher) []byte {
	if h == NoAuth || c.sibling() == c || h.KeySize() >= c.KeySize() {
		return nil
	}
	return h.extend(key[:h.KeySize()], engine, c.sibling())
}

// ChangeKey returns the key that a KeyChange of usmUserAuthKeyChange and its kin
// makes of an old one (RFC 3414, section 5): a random part and a difference, each as
// long as the key. It is an error if change is not twice as long.
func (h Hash) ChangeKey(old Secret, change []byte) (Secret, error) {
	n := old.Len()
	if h.properties().new == nil || n == 0 {
		return Secret{}, errors.New("there is no key to change")
	}
	if len(change) != 2*n {
		return Secret{}, fmt.Errorf("a change of a key of %d octets has %d, not %d", n, 2*n, len(change))
	}
	random, delta := change[:n], change[n:]
	key := make([]byte, 0, n+maxMAC)
	for temp := old.Bytes(); len(key) < n; {
		d := h.properties().new()
		d.Write(temp)
		d.Write(random)
		temp = d.Sum(nil)
		key = append(key, temp...)
	}
	key = key[:n]
	for i := range key {
		key[i] ^= delta[i]
	}
	return NewSecret(key), nil
}
