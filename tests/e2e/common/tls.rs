//! TLS as a server of this machine speaks it, for servers that a test is itself.

use super::ftpd::certificates;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::net::TcpStream;
use std::sync::Arc;

/// A connection, encrypted.
pub type Tls = StreamOwned<ServerConnection, TcpStream>;

/// What a server needs to show the certificate `site`, which the authority `right` gave it.
pub fn config() -> Arc<ServerConfig> {
    let folder = certificates();
    let chain = CertificateDer::pem_file_iter(folder.join("site.pem")).unwrap();
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("site.key")).unwrap();
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

/// A connection that came in.
pub fn over(config: &Arc<ServerConfig>, stream: TcpStream) -> Tls {
    stream.set_nodelay(true).unwrap();
    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
    StreamOwned::new(connection, stream)
}
