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

// file returns the content of the file name and reports whether it could be read. If it cannot be read, the problem
// contains the file name. An empty name means no file and is not a problem.
func (v *validator) file(path, name string) ([]byte, bool) { return v.read(path, name, name) }

// secretFile is [validator.file] for a file that contains a secret. If no such file exists, name may be the secret
// itself, so the problem does not quote it.
func (v *validator) secretFile(path, name string) ([]byte, bool) {
	return v.read(path, name, "the file")
}

func (v *validator) read(path, name, displayName string) ([]byte, bool) {
	if name == "" {
		return nil, false
	}
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		v.add(path, name+" is not a regular file") // a pipe would block, and a device would never end
		return nil, false
	}
	var content []byte
	if err == nil {
		content, err = os.ReadFile(name)
	}
	if err != nil {
		v.add(path, displayName+" cannot be read: "+reason(err))
		return nil, false
	}
	return content, true
}

// folder checks that name, unless empty, is a directory that exists.
func (v *validator) folder(path, name string) {
	if name == "" {
		return
	}
	info, err := os.Stat(name)
	if err != nil {
		v.add(path, name+" cannot be read: "+reason(err))
		return
	}
	v.check(path, info.IsDir(), name+" is not a directory")
}

// secret reads a secret of one line, which is sent in a header.
func (v *validator) secret(path, name string) (string, bool) {
	content, ok := v.secretFile(path, name)
	if !ok {
		return "", false
	}
	text := strings.TrimSpace(string(content))
	if !v.check(path, text != "", name+" is empty") {
		return "", false
	}
	return text, v.check(path, !strings.ContainsFunc(text, unicode.IsControl), name+" must contain one line")
}

func (v *validator) caCertificates(path, name string) {
	if pem, ok := v.file(path, name); ok {
		v.check(path, x509.NewCertPool().AppendCertsFromPEM(pem), name+" contains no PEM certificate")
	}
}

// keyPair checks that a certificate and a key match, if both can be read.
func (v *validator) keyPair(path, certName, keyName string) {
	cert, hasCert := v.file(path+".certFile", certName)
	key, hasKey := v.file(path+".keyFile", keyName)
	if !hasCert || !hasKey {
		return
	}
	_, err := tls.X509KeyPair(cert, key)
	v.check(path+".certFile", err == nil, certName+" and "+keyName+" cannot be parsed or do not match")
}

// reason returns the text of a file error without the file name, which the caller adds where it may appear.
func reason(err error) string {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err.Error()
	}
	return err.Error()
}
