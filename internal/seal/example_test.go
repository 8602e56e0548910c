package seal_test

import (
	"bytes"
	"fmt"

	"github.com/flowgate/flowgate/internal/seal"
)

// A sealed text opens in its own scope only.
func ExampleKeys_Seal() {
	keys, err := seal.New(bytes.Repeat([]byte("k"), 32))
	if err != nil {
		panic(err)
	}
	token := keys.Seal(seal.Scope{"page", "caller", "default"}, []byte("next: 100"))

	content, ok := keys.Open(seal.Scope{"page", "caller", "default"}, token)
	fmt.Printf("%s %t\n", content, ok)

	_, ok = keys.Open(seal.Scope{"page", "another caller", "default"}, token)
	fmt.Println(ok)
	// Output:
	// next: 100 true
	// false
}

// During a rotation, the new key seals and the old key still opens.
func ExampleNew() {
	oldKey, newKey := bytes.Repeat([]byte("o"), 32), bytes.Repeat([]byte("n"), 32)
	before, err := seal.New(oldKey)
	if err != nil {
		panic(err)
	}
	during, err := seal.New(newKey, oldKey)
	if err != nil {
		panic(err)
	}
	_, ok := during.Open(seal.Scope{"page"}, before.Seal(seal.Scope{"page"}, nil))
	fmt.Println(ok)

	_, err = seal.New([]byte("short"))
	fmt.Println(err)
	// Output:
	// true
	// token key: shorter than 32 bytes
}
