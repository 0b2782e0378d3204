//! Which certificate authorities a connection trusts.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The authorities in `ca` (PEM), or the machine's own.
pub(crate) fn roots(ca: Option<&[u8]>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| format!("the `ca` file: {error}"))?;
                roots
                    .add(certificate)
                    .map_err(|error| format!("the `ca` file: {error}"))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err("there is no authority's certificate to check the server's against".into());
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::roots;

    #[test]
    fn a_ca_file_without_a_certificate_is_refused() {
        for bad in [
            &b""[..],
            b"hello",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            assert!(roots(Some(bad)).is_err());
        }
    }
}
