// Reads a log that the Rust side wrote, with golang.org/x/mod/sumdb and transparency-dev/formats:
//
//	go run . DIR VERIFIER-KEY ORIGIN
//
// DIR is the log's folder, with the Rust side's proof of each entry in DIR/proofs/<index>.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	formats "github.com/transparency-dev/formats/log"
	verifiers "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// tiles reads hash tiles from the folder. The Go checksum database names the tile's height in the path, C2SP does not.
type tiles string

func (tiles) Height() int                         { return 8 }
func (tiles) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (folder tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(folder), path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func entries(folder string, size uint64) [][]byte {
	var all [][]byte
	for start := uint64(0); start < size; start += 256 {
		path := fmt.Sprintf("tile/entries/%03d", start/256)
		if size-start < 256 {
			path += fmt.Sprintf(".p/%d", size-start)
		}
		data, err := os.ReadFile(filepath.Join(folder, path))
		check(err)
		for len(data) > 0 {
			length := int(binary.BigEndian.Uint16(data))
			all = append(all, data[2:2+length])
			data = data[2+length:]
		}
	}
	return all
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func require(condition bool, message string) {
	if !condition {
		check(fmt.Errorf("%s", message))
	}
}

func main() {
	folder, key, origin := os.Args[1], os.Args[2], os.Args[3]
	verifier, err := verifiers.NewVerifier(key)
	check(err)
	raw, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	check(err)
	signed, err := note.Open(raw, note.VerifierList(verifier))
	check(err)
	var checkpoint formats.Checkpoint
	rest, err := checkpoint.Unmarshal([]byte(signed.Text))
	check(err)
	require(len(rest) == 0 && checkpoint.Origin == origin, "another origin, or more than a checkpoint")
	_, err = note.Open([]byte(strings.Replace(string(raw), origin, origin+"x", 1)), note.VerifierList(verifier))
	require(err != nil, "a changed checkpoint was accepted")

	size := int64(checkpoint.Size)
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], checkpoint.Hash)
	reader := tlog.TileHashReader(tree, tiles(folder))
	root, err := tlog.TreeHash(size, reader)
	check(err)
	require(root == tree.Hash, "the tiles come to another root")

	all := entries(folder, checkpoint.Size)
	require(int64(len(all)) == size, "another number of entries")
	for index, entry := range all {
		record := tlog.RecordHash(entry)
		theirs, err := tlog.ProveRecord(size, int64(index), reader)
		check(err)
		ours, err := os.ReadFile(filepath.Join(folder, "proofs", fmt.Sprint(index)))
		check(err)
		above, proved, found := strings.Cut(string(ours), "\n\n")
		lines := strings.Split(above, "\n")
		require(found && proved == string(raw), "a proof with another checkpoint")
		require(lines[0] == "c2sp.org/tlog-proof@v1" && lines[1] == fmt.Sprintf("index %d", index), "another proof")
		require(len(lines)-2 == len(theirs), "a proof of another length")
		proof := tlog.RecordProof{}
		for place, line := range lines[2:] {
			hash, err := tlog.ParseHash(line)
			check(err)
			require(hash == theirs[place], "a proof with another hash")
			proof = append(proof, hash)
		}
		check(tlog.CheckRecord(proof, size, tree.Hash, int64(index), record))
	}
	fmt.Println("ok")
}
