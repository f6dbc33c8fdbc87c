// What a pod of the tests does: looks up names, reaches the API server's Service, another pod's Service and keeps what
// it learns in its volume.
package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		http.ListenAndServe(":8080", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "served") }))
		return
	}
	var err error
	for attempt := 0; attempt < 240; attempt++ {
		if err = probe(); err == nil {
			fmt.Println("probe: all well")
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	fmt.Println("probe:", err)
	os.Exit(1)
}

func probe() error {
	addresses, err := net.LookupHost("kubernetes.default.svc.cluster.local")
	if err != nil {
		return err
	}
	fmt.Println("probe: kubernetes is", addresses)
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for _, url := range os.Args[1:] {
		answer, err := client.Get(url)
		if err != nil {
			return err
		}
		answer.Body.Close()
		fmt.Println("probe:", url, answer.StatusCode)
	}
	if err := os.WriteFile("/data/kept", []byte("kept\n"), 0o644); err != nil {
		return err
	}
	return nil
}
