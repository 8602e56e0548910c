// Command sbom writes the software bill of materials of a Go binary as an SPDX 2.3 document: the modules that Go's linker
// has recorded in it, and the standard library.
//
//	sbom BINARY VERSION OUTPUT
//
// The document depends only on the arguments and, like other reproducible builds, on SOURCE_DATE_EPOCH, the time of the
// document in seconds since 1970. The default is the current time.
package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	spdx "github.com/spdx/tools-golang/spdx/v2/v2_3"
	"github.com/spdx/tools-golang/spdxlib"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: sbom BINARY VERSION OUTPUT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(binary, version, output string) error {
	content, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	info, err := buildinfo.Read(bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("%s: %w", binary, err)
	}
	created, err := creationTime(os.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return err
	}
	document := describe(info, version, sha256.Sum256(content), created)
	if err := spdxlib.ValidateDocument(document); err != nil {
		return err
	}
	var text bytes.Buffer
	if err := json.Write(document, &text, json.Indent("  ")); err != nil {
		return err
	}
	return os.WriteFile(output, text.Bytes(), 0o644) //nolint:gosec // a published document
}

// creationTime returns the time of the document.
func creationTime(epoch string) (time.Time, error) {
	if epoch == "" {
		return time.Now(), nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	return time.Unix(seconds, 0), nil
}

// describe returns the document of a binary. The binary is the first package, on which all others depend.
func describe(info *debug.BuildInfo, version string, digest [sha256.Size]byte, created time.Time) *spdx.Document {
	hash := hex.EncodeToString(digest[:])
	binary := modulePackage(info.Main.Path, "v"+strings.TrimPrefix(version, "v"))
	binary.PrimaryPackagePurpose = "APPLICATION"
	binary.PackageChecksums = []common.Checksum{{Algorithm: common.SHA256, Value: hash}}
	library := modulePackage("stdlib", strings.TrimPrefix(info.GoVersion, "go"))
	packages := []*spdx.Package{binary, library}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		packages = append(packages, modulePackage(module.Path, module.Version))
	}
	relationships := []*spdx.Relationship{relate("DOCUMENT", common.TypeRelationshipDescribe, binary)}
	for _, dependency := range packages[1:] {
		relationships = append(relationships, relate(binary.PackageSPDXIdentifier, common.TypeRelationshipDependsOn, dependency))
	}
	name := path.Base(info.Main.Path) + "-" + version
	return &spdx.Document{
		SPDXVersion: spdx.Version, DataLicense: spdx.DataLicense, SPDXIdentifier: "DOCUMENT",
		DocumentName: name,
		// The namespace must be unique for each document, and the hash is for each binary.
		DocumentNamespace: "https://" + info.Main.Path + "/spdx/" + name + "-" + hash,
		CreationInfo: &spdx.CreationInfo{
			Created:  created.UTC().Format(time.RFC3339),
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "flowgate-sbom"}},
		},
		Packages: packages, Relationships: relationships,
	}
}

// modulePackage returns the package for a module. Scanners find its vulnerabilities by its package URL.
func modulePackage(module, version string) *spdx.Package {
	return &spdx.Package{
		PackageName: module, PackageVersion: version, PackageSPDXIdentifier: elementID(module),
		PackageDownloadLocation: "NOASSERTION", PackageLicenseConcluded: "NOASSERTION", PackageLicenseDeclared: "NOASSERTION",
		PackageCopyrightText: "NOASSERTION", IsFilesAnalyzedTagPresent: true,
		PackageExternalReferences: []*spdx.PackageExternalReference{{
			Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL,
			Locator: "pkg:golang/" + strings.ToLower(module) + "@" + strings.ReplaceAll(version, "+", "%2B"),
		}},
	}
}

// elementID returns an identifier, which may contain only letters, digits, points and hyphens.
func elementID(module string) common.ElementID {
	return common.ElementID("Package-" + strings.Map(func(r rune) rune {
		if r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, module))
}

func relate(from common.ElementID, relationship string, to *spdx.Package) *spdx.Relationship {
	return &spdx.Relationship{
		RefA: common.DocElementID{ElementRefID: from}, Relationship: relationship,
		RefB: common.DocElementID{ElementRefID: to.PackageSPDXIdentifier},
	}
}
