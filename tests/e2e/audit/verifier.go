// Verifies a log of relhook with the code of Go's checksum database, which knows nothing of relhook:
// only where the files are and how a bundle is cut into entries is written here.
//
//	verifier log FOLDER KEY                that the published log is whole: entries, tiles, signature
//	verifier receipt FILE KEY              that an entry is in the log that a receipt tells of
//	verifier extends FOLDER KEY SIZE ROOT  that the published log is that one made longer
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "log":
		return whole(args[1], args[2])
	case len(args) == 3 && args[0] == "receipt":
		return receipt(args[1], args[2])
	case len(args) == 5 && args[0] == "extends":
		return extends(args[1], args[2], args[3], args[4])
	}
	return fmt.Errorf("usage: verifier log|receipt|extends …")
}

// checkpoint opens a signed note and reads its three lines.
func checkpoint(signed []byte, key string) (tlog.Tree, error) {
	var tree tlog.Tree
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tree, err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tree, fmt.Errorf("no checkpoint of %s: %q", verifier.Name(), opened.Text)
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, err
}

func published(folder, key string) (tlog.Tree, error) {
	signed, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return tlog.Tree{}, err
	}
	return checkpoint(signed, key)
}

// number is that of a tile as C2SP's tlog-tiles writes it: three digits a folder.
func number(n int64) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	return path
}

func path(kind string, n int64, width int) string {
	path := "tile/" + kind + "/" + number(n)
	if width < 1<<height {
		path += fmt.Sprintf(".p/%d", width)
	}
	return path
}

// tiles reads the tiles that Go's code asks for.
type tiles struct{ folder string }

func (t tiles) Height() int { return height }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		data, err := os.ReadFile(filepath.Join(t.folder, path(strconv.Itoa(tile.L), tile.N, tile.W)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// stored are the hashes of a tree in memory.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for at, index := range indexes {
		if index >= int64(len(s)) {
			return nil, fmt.Errorf("no hash %d", index)
		}
		hashes[at] = s[index]
	}
	return hashes, nil
}

// whole makes the tree from the entries, and compares the root and every tile with it.
func whole(folder, key string) error {
	tree, err := published(folder, key)
	if err != nil {
		return err
	}
	var hashes stored
	for n := int64(0); n < tree.N; {
		width := tree.N - n
		if width > 1<<height {
			width = 1 << height
		}
		bundle, err := os.ReadFile(filepath.Join(folder, path("entries", n>>height, int(width))))
		if err != nil {
			return err
		}
		for ; width > 0; width-- {
			if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
				return fmt.Errorf("entry %d is cut", n)
			}
			entry, rest := bundle[2:2+binary.BigEndian.Uint16(bundle)], bundle[2+binary.BigEndian.Uint16(bundle):]
			made, err := tlog.StoredHashes(n, entry, hashes)
			if err != nil {
				return err
			}
			hashes, bundle, n = append(hashes, made...), rest, n+1
		}
		if len(bundle) > 0 {
			return fmt.Errorf("more than the entries up to %d", n)
		}
	}
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return fmt.Errorf("the entries have the root %v, signed is %v", root, tree.Hash)
	}
	for _, tile := range tlog.NewTiles(height, 0, tree.N) {
		if held := tree.N>>(height*tile.L) - tile.N<<height; tile.W < 1<<height && int64(tile.W) < held {
			continue // of a smaller tree
		}
		made, err := tlog.ReadTileData(tile, hashes)
		if err != nil {
			return err
		}
		found, err := tiles{folder}.ReadTiles([]tlog.Tile{tile})
		if err != nil {
			return err
		}
		if !bytes.Equal(made, found[0]) {
			return fmt.Errorf("tile %v is not of these entries", tile)
		}
	}
	fmt.Println("whole", tree.N, tree.Hash)
	return nil
}

// receipt checks a C2SP tlog-proof with its entry in it.
func receipt(file, key string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	head, signed, _ := strings.Cut(string(text), "\n\n")
	tree, err := checkpoint([]byte(signed), key)
	if err != nil {
		return err
	}
	lines := strings.Split(head, "\n")
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("no receipt")
	}
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		return err
	}
	fmt.Println("in", tree.N, index+1)
	return nil
}

// extends proves from the tiles that the tree was only made longer, and checks that proof.
func extends(folder, key, size, root string) error {
	tree, err := published(folder, key)
	if err != nil {
		return err
	}
	before, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		return err
	}
	was, err := tlog.ParseHash(root)
	if err != nil {
		return err
	}
	// The reader takes no tile whose hashes do not lead to the signed root.
	proof, err := tlog.ProveTree(tree.N, before, tlog.TileHashReader(tree, tiles{folder}))
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, before, was); err != nil {
		return err
	}
	fmt.Println("extends", tree.N, before)
	return nil
}
