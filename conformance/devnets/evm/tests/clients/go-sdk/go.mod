module berth/devnets/go-sdk-client

go 1.21

require (
	github.com/FISCO-BCOS/go-sdk v1.0.0
	github.com/ethereum/go-ethereum v1.9.16
)
