//! From the environment to a store that can be asked.

use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::{BackoffConfig, ClientConfigKey, ObjectStore, RetryConfig};

use super::error::clean;
use crate::config::location::{ObjectUrl, StoreKind};

/// A request is tried again so often: for about half a minute, for the pauses are drawn.
const MOST_RETRIES: usize = 12;
/// After this long it isn't any more.
const RETRY_FOR: Duration = Duration::from_secs(60);
/// Pauses between: each is drawn from the first one to so many times the one before, but no longer than the last.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const GROWTH: f64 = 3.0;
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The store of a location, as the variables of the environment describe it.
///
/// # Errors
/// [`ErrorKind::InvalidInput`]: they contradict each other, one that is needed isn't set, or requests would go
/// unencrypted and nobody allowed that.
pub(super) fn store(url: &ObjectUrl<'_>) -> Result<Arc<dyn ObjectStore>> {
    let backoff = BackoffConfig { init_backoff: FIRST_PAUSE, max_backoff: LONGEST_PAUSE, base: GROWTH };
    let retry = RetryConfig { backoff, max_retries: MOST_RETRIES, retry_timeout: RETRY_FOR };
    let wrong = |error: object_store::Error| Error::new(ErrorKind::InvalidInput, clean(&error.to_string()));
    match url.store {
        StoreKind::S3 => {
            let builder = AmazonS3Builder::from_env().with_bucket_name(url.bucket).with_retry(retry);
            let get = |key| builder.get_config_value(&key);
            let endpoint = get(AmazonS3ConfigKey::S3Endpoint).or_else(|| get(AmazonS3ConfigKey::Endpoint));
            let allowed = get(AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp));
            check_encryption(endpoint, allowed, ["AWS_ENDPOINT_URL", "AWS_ALLOW_HTTP"])?;
            Ok(Arc::new(builder.build().map_err(wrong)?))
        }
        StoreKind::Azure => {
            let builder = MicrosoftAzureBuilder::from_env().with_container_name(url.bucket).with_retry(retry);
            let get = |key| builder.get_config_value(&key);
            let allowed = get(AzureConfigKey::Client(ClientConfigKey::AllowHttp));
            // The emulator has an address of its own.
            let is_emulator = get(AzureConfigKey::UseEmulator).is_some_and(|emulator| emulator == "true");
            let endpoint = get(AzureConfigKey::Endpoint).filter(|_| !is_emulator);
            check_encryption(endpoint, allowed, ["AZURE_STORAGE_ENDPOINT", "AZURE_ALLOW_HTTP"])?;
            Ok(Arc::new(builder.build().map_err(wrong)?))
        }
    }
}

/// Requests carry what opens the store, or can be changed on the way: unencrypted only if somebody says so.
fn check_encryption(
    endpoint: Option<String>,
    allowed: Option<String>,
    [variable, permission]: [&str; 2],
) -> Result<()> {
    let is_plain =
        endpoint.is_some_and(|endpoint| endpoint.trim_start().to_ascii_lowercase().starts_with("http://"));
    if is_plain && allowed.is_none_or(|allowed| !allowed.eq_ignore_ascii_case("true")) {
        let said = format!(
            "{variable} begins with http://, which sends everything unencrypted, and {permission} is not `true`"
        );
        return Err(Error::new(ErrorKind::InvalidInput, said));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_unencrypted_is_allowed_or_refused() {
        let check = |endpoint: &str, allowed: Option<&str>| {
            check_encryption(Some(endpoint.to_owned()), allowed.map(str::to_owned), ["ENDPOINT", "ALLOW"])
        };
        assert!(check("https://minio.example", None).is_ok());
        assert!(check("http://localhost:9000", Some("true")).is_ok());
        for allowed in [None, Some("false"), Some("")] {
            let error = check("HTTP://localhost:9000", allowed).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("ALLOW is not `true`"), "{error}");
        }
    }
}
