package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"strings"
	"unicode"
)

// file returns the content of a file that is named, and whether there is any; failing to read it is a problem, which
// names the file.
func (v *validator) file(path, name string) ([]byte, bool) { return v.read(path, name, name) }

// secretFile is file for one that holds a secret. A name that opens no file may be the secret itself, put where the name
// of its file belongs, and is not quoted.
func (v *validator) secretFile(path, name string) ([]byte, bool) {
	return v.read(path, name, "the file")
}

func (v *validator) read(path, name, shown string) ([]byte, bool) {
	if name == "" {
		return nil, false
	}
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		v.add(path, name+" is not a regular file") // a pipe would block, a device never end
		return nil, false
	}
	var content []byte
	if err == nil {
		content, err = os.ReadFile(name)
	}
	if err != nil {
		v.add(path, shown+" cannot be read: "+reason(err))
		return nil, false
	}
	return content, true
}

// folder checks that a folder that is named can be read.
func (v *validator) folder(path, name string) {
	if name == "" {
		return
	}
	info, err := os.Stat(name)
	if err != nil {
		v.add(path, name+" cannot be read: "+reason(err))
		return
	}
	v.check(path, info.IsDir(), name+" is not a folder")
}

// secret is secretFile for one that holds one word, which is sent in a header.
func (v *validator) secret(path, name string) (string, bool) {
	content, ok := v.secretFile(path, name)
	if !ok {
		return "", false
	}
	text := strings.TrimSpace(string(content))
	if !v.check(path, text != "", name+" is empty") {
		return "", false
	}
	return text, v.check(path, !strings.ContainsFunc(text, unicode.IsControl), name+" must hold one line")
}

func (v *validator) caCertificates(path, name string) {
	if pem, ok := v.file(path, name); ok {
		v.check(path, x509.NewCertPool().AppendCertsFromPEM(pem), name+" holds no certificate in PEM")
	}
}

// keyPair checks a certificate and its key when both can be read.
func (v *validator) keyPair(path, certName, keyName string) {
	cert, hasCert := v.file(path+".certFile", certName)
	key, hasKey := v.file(path+".keyFile", keyName)
	if !hasCert || !hasKey {
		return
	}
	_, err := tls.X509KeyPair(cert, key)
	v.check(path+".certFile", err == nil, certName+" and "+keyName+" do not parse or do not belong together")
}

// reason is a file error without the name, which stands before it where it may stand.
func reason(err error) string {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err.Error()
	}
	return err.Error()
}
