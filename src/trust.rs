//! Which certificate authorities a connection trusts.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The authorities in `ca` (PEM), or the machine's own.
pub(crate) fn roots(ca: Option<&[u8]>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities(ca)?);
    Ok(roots)
}

/// The certificates of those authorities: at least one, and each of them usable.
pub(crate) fn authorities(ca: Option<&[u8]>) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut roots = RootCertStore::empty();
    let usable = match ca {
        Some(pem) => CertificateDer::pem_slice_iter(pem)
            .map(|certificate| {
                let certificate = certificate.map_err(|error| format!("the `ca` file: {error}"))?;
                roots
                    .add(certificate.clone())
                    .map_err(|error| format!("the `ca` file: {error}"))?;
                Ok(certificate)
            })
            .collect::<Result<Vec<_>, String>>()?,
        None => {
            let mut certificates = rustls_native_certs::load_native_certs().certs;
            certificates.retain(|certificate| roots.add(certificate.clone()).is_ok());
            certificates
        }
    };
    if usable.is_empty() {
        return Err("there is no authority's certificate to check the server's against".into());
    }
    Ok(usable)
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
