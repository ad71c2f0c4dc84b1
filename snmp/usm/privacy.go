package usm

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // RFC 3414 has it
	"crypto/subtle"
	"encoding/binary"
)

// saltSize is the length of msgPrivacyParameters in octets (RFC 3414, section
// 8.1.1.1; RFC 3826, section 3.1.2.1).
const saltSize = 8

// Padding is how many octets an encrypted message may have behind what was
// encrypted: DES takes whole blocks.
const Padding = des.BlockSize - 1

// encryption is what one message is encrypted or decrypted with. It is memory
// that is used again.
type encryption struct {
	block cipher.Block
	des   bool
	iv    [aes.BlockSize]byte
	key   [aes.BlockSize]byte // of the stream
}

// begin sets the initialisation vector: of AES boots, time and salt (RFC 3826,
// section 3.1.2.1), of DES the salt and the second half of the key (RFC 3414, section
// 8.1.1.1).
func (e *encryption) begin(a *account, sibling bool, boots, engineTime int32, salt []byte) {
	e.block, e.des = a.block, a.Priv == DES
	if sibling {
		e.block = a.sibling
	}
	if e.des {
		subtle.XORBytes(e.iv[:des.BlockSize], a.PrivKey.Bytes()[des.BlockSize:], salt)
		return
	}
	binary.BigEndian.PutUint32(e.iv[:], uint32(boots))
	binary.BigEndian.PutUint32(e.iv[4:], uint32(engineTime))
	copy(e.iv[8:], salt)
}

// padded returns how long n octets are when they are encrypted.
func (a *account) padded(n int) int {
	if a.Priv == DES {
		return (n + Padding) &^ Padding
	}
	return n
}

// encrypt encrypts b in place; for DES b is whole blocks.
func (e *encryption) encrypt(b []byte) {
	if e.des {
		last := e.iv[:des.BlockSize]
		for ; len(b) > 0; b = b[des.BlockSize:] {
			subtle.XORBytes(b, b[:des.BlockSize], last)
			e.block.Encrypt(b[:des.BlockSize], b[:des.BlockSize])
			last = b[:des.BlockSize]
		}
		return
	}
	last := e.iv[:]
	for len(b) > 0 {
		e.block.Encrypt(e.key[:], last)
		n := subtle.XORBytes(b, b, e.key[:])
		last, b = b[:n], b[n:]
	}
}

// decrypt decrypts from into to, which is as long and another piece of memory; for DES
// from is whole blocks.
func (e *encryption) decrypt(to, from []byte) {
	last := e.iv[:]
	if e.des {
		last = e.iv[:des.BlockSize]
		for ; len(from) > 0; from, to = from[des.BlockSize:], to[des.BlockSize:] {
			e.block.Decrypt(to[:des.BlockSize], from[:des.BlockSize])
			subtle.XORBytes(to, to[:des.BlockSize], last)
			last = from[:des.BlockSize]
		}
		return
	}
	for len(from) > 0 {
		e.block.Encrypt(e.key[:], last)
		n := subtle.XORBytes(to, from, e.key[:])
		last, from, to = from[:n], from[n:], to[n:]
	}
}
