//! What anyone may fetch over plain HTTP: the CRL and the CA's certificate; and, for those who watch
//! over the service, its metrics and health.

#![forbid(unsafe_code)]
