// etcd as a module of its own: Debian's is too old for the API server (it lacks
// RequestWatchProgress, so lists bypass the watch cache).
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
