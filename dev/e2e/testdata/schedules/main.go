// Command schedules prints generated schedules as JSON, one per line, for a test in the module dev, which cannot import
// the generator. The argument is their number. Run this file with go run from the root of the repository.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/schedule/scheduletest"
)

func main() {
	number, err := strconv.Atoi(os.Args[1])
	seed := int(time.Now().UnixNano())
	for i := 0; i < number && err == nil; i++ {
		var text []byte
		text, err = convert.Marshal(scheduletest.Schedules().Example(seed + i))
		_, _ = fmt.Println(string(text))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
