//! The configuration files. JSON is YAML too, so that they are made as JSON; the names are those of Fabric's own `sampleconfig`.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    material::{Material, ORDERER_MSP, PEER_MSPS, file},
    network::{Consensus, Options},
};

/// `configtx.yaml`: one profile, `Channel`.
pub fn channel(material: &Material, options: &Options, orderers: &[u16], peers: [u16; 2]) -> Value {
    let members = |msp: &str, roles: &[&str]| {
        let roles: Vec<_> = roles.iter().map(|role| format!("'{msp}.{role}'")).collect();
        json!({ "Type": "Signature", "Rule": format!("OR({})", roles.join(",")) })
    };
    let meta = |rule: &str| json!({ "Type": "ImplicitMeta", "Rule": rule });
    let governed = || json!({ "Readers": meta("ANY Readers"), "Writers": meta("ANY Writers"), "Admins": meta("MAJORITY Admins") });
    let organisation = |msp: &str, folder: &Path| {
        json!({
            "Name": msp, "ID": msp, "MSPDir": file(folder, "msp"),
            "Policies": {
                "Readers": members(msp, &["admin", "peer", "client", "orderer"]),
                "Writers": members(msp, &["admin", "client", "peer", "orderer"]),
                "Admins": members(msp, &["admin"]),
                "Endorsement": members(msp, &["peer"]),
            },
        })
    };
    let with = |mut organisation: Value, name: &str, value: Value| {
        if let Some(fields) = organisation.as_object_mut() {
            fields.insert(name.into(), value);
        }
        organisation
    };

    let mut endorsing = Vec::new();
    for (number, (msp, port)) in PEER_MSPS.iter().zip(peers).enumerate() {
        let made = organisation(msp, &material.organisation(number));
        endorsing.push(with(made, "AnchorPeers", json!([{ "Host": "127.0.0.1", "Port": port }])));
    }
    let endpoints: Vec<_> = orderers.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let ordering = organisation(ORDERER_MSP, &material.ordering());
    let ordering = with(ordering, "OrdererEndpoints", json!(endpoints));

    let application = with(governed(), "Endorsement", meta("MAJORITY Endorsement"));
    let application = with(application, "LifecycleEndorsement", meta("MAJORITY Endorsement"));
    let orderer = json!({
        "OrdererType": match options.consensus { Consensus::Raft(_) => "etcdraft", Consensus::Bft => "BFT" },
        "BatchTimeout": format!("{}ms", options.batch_timeout.as_millis()),
        "BatchSize": {
            "MaxMessageCount": options.batch_size, "AbsoluteMaxBytes": "10 MB", "PreferredMaxBytes": "2 MB",
        },
        "MaxChannels": 0,
        "Organizations": [ordering],
        "Policies": with(governed(), "BlockValidation", meta("ANY Writers")),
        "Capabilities": { "V2_0": true },
    });
    let consenters = orderers.iter().enumerate();
    let orderer = match options.consensus {
        Consensus::Raft(_) => {
            let consenters: Vec<_> = consenters
                .map(|(number, port)| {
                    let certificate = file(&material.orderer(number), "tls/server.crt");
                    json!({
                        "Host": "127.0.0.1", "Port": port,
                        "ClientTLSCert": certificate, "ServerTLSCert": certificate,
                    })
                })
                .collect();
            let options = json!({
                "TickInterval": "100ms", "ElectionTick": 10, "HeartbeatTick": 1, "MaxInflightBlocks": 5,
                "SnapshotIntervalSize": "16 MB",
            });
            with(orderer, "EtcdRaft", json!({ "Consenters": consenters, "Options": options }))
        }
        Consensus::Bft => {
            let mapping: Vec<_> = consenters
                .map(|(number, port)| {
                    let folder = material.orderer(number);
                    let certificate = file(&folder, "tls/server.crt");
                    let identity =
                        file(&folder, &format!("msp/signcerts/orderer{number}.example.com-cert.pem"));
                    json!({
                        "ID": number.saturating_add(1), "Host": "127.0.0.1", "Port": port, "MSPID": ORDERER_MSP,
                        "Identity": identity, "ClientTLSCert": certificate, "ServerTLSCert": certificate,
                    })
                })
                .collect();
            let smart = json!({
                "RequestBatchMaxInterval": format!("{}ms", options.batch_timeout.as_millis()),
                "RequestForwardTimeout": "5s", "RequestComplainTimeout": "20s", "RequestAutoRemoveTimeout": "3m0s",
                "ViewChangeResendInterval": "5s", "ViewChangeTimeout": "20s", "LeaderHeartbeatTimeout": "1m0s",
                "CollectTimeout": "1s", "IncomingMessageBufferSize": 200, "RequestPoolSize": 100_000,
                "LeaderHeartbeatCount": 10,
            });
            with(with(orderer, "ConsenterMapping", json!(mapping)), "SmartBFT", smart)
        }
    };
    let capability = match options.consensus {
        Consensus::Raft(_) => "V2_0",
        Consensus::Bft => "V3_0",
    };
    json!({
        "Profiles": {
            "Channel": {
                "Policies": governed(),
                "Capabilities": { capability: true },
                "Orderer": orderer,
                "Application": {
                    "Organizations": endorsing, "Policies": application, "Capabilities": { "V2_5": true },
                },
            },
        },
    })
}

/// `orderer.yaml` of an orderer that keeps its files in `folder`.
pub fn orderer(folder: &Path, certificates: &Path, authorities: &Path, port: u16, admin: u16) -> Value {
    let tls = json!({
        "Enabled": true,
        "PrivateKey": file(certificates, "tls/server.key"),
        "Certificate": file(certificates, "tls/server.crt"),
        "RootCAs": [file(certificates, "tls/ca.crt")],
    });
    let mut admin_tls = tls.clone();
    if let Some(fields) = admin_tls.as_object_mut() {
        fields.insert("ClientAuthRequired".into(), json!(true));
        fields.insert("ClientRootCAs".into(), json!([file(authorities, "tls/ca.crt")]));
    }
    json!({
        "General": {
            "ListenAddress": "127.0.0.1", "ListenPort": port, "TLS": tls,
            "Keepalive": { "ServerMinInterval": "60s", "ServerInterval": "7200s", "ServerTimeout": "20s" },
            "MaxRecvMsgSize": 104_857_600, "MaxSendMsgSize": 104_857_600,
            "Cluster": {
                "SendBufferSize": 100,
                "ClientCertificate": file(certificates, "tls/server.crt"),
                "ClientPrivateKey": file(certificates, "tls/server.key"),
                "RootCAs": [file(certificates, "tls/ca.crt")],
            },
            "LocalMSPDir": file(certificates, "msp"), "LocalMSPID": ORDERER_MSP,
            "Profile": { "Enabled": false, "Address": "127.0.0.1:0" },
            "BCCSP": { "Default": "SW", "SW": { "Hash": "SHA2", "Security": 256 } },
            "Authentication": { "TimeWindow": "15m" },
            "BootstrapMethod": "none",
        },
        "FileLedger": { "Location": file(folder, "data") },
        "Operations": { "ListenAddress": "127.0.0.1:0", "TLS": { "Enabled": false } },
        "Metrics": { "Provider": "disabled" },
        "Admin": { "ListenAddress": format!("127.0.0.1:{admin}"), "TLS": admin_tls },
        "ChannelParticipation": { "Enabled": true, "MaxRequestBodySize": "1 MB" },
        "Consensus": { "WALDir": file(folder, "wal"), "SnapDir": file(folder, "snapshots") },
    })
}

/// `core.yaml` of a peer that keeps its files in `folder`; its ports are its own, and the one where chaincodes would call in.
/// `has_window`: whether it can check the time of requests.
pub fn peer(
    folder: &Path,
    certificates: &Path,
    builder: &Path,
    msp: &str,
    ports: [u16; 2],
    has_window: bool,
) -> Value {
    let mut filters = vec![json!({ "name": "DefaultAuth" }), json!({ "name": "ExpirationCheck" })];
    if has_window {
        filters.push(json!({ "name": "TimeWindowCheck" }));
    }
    let [address, chaincode] = ports.map(|port| format!("127.0.0.1:{port}"));
    json!({
        "peer": {
            "id": msp, "networkId": "test",
            "listenAddress": address, "address": address, "addressAutoDetect": false,
            "chaincodeListenAddress": chaincode, "chaincodeAddress": chaincode,
            "gateway": {
                "enabled": true, "endorsementTimeout": "30s", "broadcastTimeout": "30s", "dialTimeout": "2m",
            },
            "keepalive": {
                "interval": "7200s", "timeout": "20s", "minInterval": "60s",
                "client": { "interval": "60s", "timeout": "20s" },
                "deliveryClient": { "interval": "60s", "timeout": "20s" },
            },
            "gossip": gossip(&address),
            "tls": {
                "enabled": true, "clientAuthRequired": false,
                "cert": { "file": file(certificates, "tls/server.crt") },
                "key": { "file": file(certificates, "tls/server.key") },
                "rootcert": { "file": file(certificates, "tls/ca.crt") },
            },
            "authentication": { "timewindow": "15m" },
            "fileSystemPath": file(folder, "data"),
            "BCCSP": { "Default": "SW", "SW": { "Hash": "SHA2", "Security": 256 } },
            "mspConfigPath": file(certificates, "msp"), "localMspId": msp, "localMspType": "bccsp",
            "client": { "connTimeout": "3s" },
            "deliveryclient": {
                "reconnectTotalTimeThreshold": "3600s", "connTimeout": "3s", "reConnectBackoffThreshold": "1s",
                "blockGossipEnabled": false, "blockCensorshipTimeoutKey": "30s",
                "minimalReconnectInterval": "100ms", "policy": "simple",
            },
            "profile": { "enabled": false, "listenAddress": "127.0.0.1:0" },
            "handlers": {
                "authFilters": filters,
                "decorators": [{ "name": "DefaultDecorator" }],
                "endorsers": { "escc": { "name": "DefaultEndorsement" } },
                "validators": { "vscc": { "name": "DefaultValidation" } },
            },
            "discovery": {
                "enabled": true, "authCacheEnabled": true, "authCacheMaxSize": 1000,
                "authCachePurgeRetentionRatio": 0.75, "orgMembersAllowedAccess": false,
            },
            "limits": { "concurrency": { "endorserService": 2500, "deliverService": 2500, "gatewayService": 500 } },
            "maxRecvMsgSize": 104_857_600, "maxSendMsgSize": 104_857_600,
        },
        // No containers.
        "vm": { "endpoint": "" },
        "chaincode": {
            "externalBuilders": [{ "name": "ccaas", "path": builder, "propagateEnvironment": [] }],
            "installTimeout": "60s", "startuptimeout": "60s", "executetimeout": "30s", "mode": "net", "keepalive": 0,
            "system": { "_lifecycle": "enable", "cscc": "enable", "lscc": "enable", "qscc": "enable" },
            "logging": { "level": "info", "shim": "warning" },
            "runtimeParams": {
                "useWriteBatch": true, "maxSizeWriteBatch": 1000,
                "useGetMultipleKeys": true, "maxSizeGetMultipleKeys": 1000,
            },
        },
        "ledger": {
            "state": { "stateDatabase": "goleveldb", "totalQueryLimit": 100_000 },
            "history": { "enableHistoryDatabase": true },
            "pvtdataStore": {
                "collElgProcMaxDbBatchSize": 5000, "collElgProcDbBatchesInterval": 1000,
                "deprioritizedDataReconcilerInterval": "60m", "purgeInterval": 100, "purgedKeyAuditLogging": true,
            },
            "snapshots": { "rootDir": file(folder, "snapshots") },
        },
        "operations": { "listenAddress": "127.0.0.1:0", "tls": { "enabled": false } },
        "metrics": { "provider": "disabled" },
    })
}

/// Peers find each other within a second rather than within half a minute.
fn gossip(address: &str) -> Value {
    json!({
        "bootstrap": address, "endpoint": address, "externalEndpoint": address,
        "useLeaderElection": false, "orgLeader": true,
        "membershipTrackerInterval": "1s", "maxBlockCountToStore": 10, "maxPropagationBurstLatency": "10ms",
        "maxPropagationBurstSize": 10, "propagateIterations": 1, "propagatePeerNum": 3,
        "pullInterval": "1s", "pullPeerNum": 3, "requestStateInfoInterval": "1s", "publishStateInfoInterval": "1s",
        "publishCertPeriod": "1s", "skipBlockVerification": false, "dialTimeout": "3s", "connTimeout": "2s",
        "recvBuffSize": 20, "sendBuffSize": 200, "digestWaitTime": "200ms", "requestWaitTime": "300ms",
        "responseWaitTime": "400ms", "aliveTimeInterval": "1s", "aliveExpirationTimeout": "25s",
        "reconnectInterval": "1s", "maxConnectionAttempts": 120, "msgExpirationFactor": 20,
        "pvtData": {
            "pullRetryThreshold": "1s", "transientstoreMaxBlockRetention": 20_000, "pushAckTimeout": "3s",
            "btlPullMargin": 10, "reconcileBatchSize": 10, "reconcileSleepInterval": "1m",
            "reconciliationEnabled": true, "skipPullingInvalidTransactionsDuringCommit": false,
            "implicitCollectionDisseminationPolicy": { "requiredPeerCount": 0, "maxPeerCount": 1 },
        },
        "state": {
            "enabled": true, "checkInterval": "1s", "responseTimeout": "3s", "batchSize": 10, "blockBufferSize": 20,
            "maxRetries": 3,
        },
    })
}
