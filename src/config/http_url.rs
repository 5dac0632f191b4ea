//! Addresses that a run sends something to over HTTP.

use std::net::IpAddr;

use super::diagnostic::Complaint;

/// Whether this build can send anything.
const REACHES_SERVERS: bool = cfg!(feature = "cloud");

/// What HTTP addresses begin with.
const SCHEMES: [&str; 2] = ["https", "http"];

/// Whether what is sent to an address can be read by nobody on the way: it is encrypted, or stays on this machine.
pub fn is_private(url: &str) -> bool {
    let Some((scheme, authority, _)) = parts(url) else { return false };
    let host = host(authority);
    let is_loopback = |host: &str| host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    scheme == "https" || host == "localhost" || is_loopback(host)
}

/// Whether an address has a user or a password in it, as `https://user:password@host` does.
pub(super) fn holds_credentials(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default().contains('@')
}

/// Whether something can be sent to an address that other paths are appended to. `key` is where it stands.
///
/// # Errors
///
/// It is none, has more than scheme, host, port and path, or this build sends nothing. It holds no credentials.
pub(super) fn check(url: &str, key: &str) -> Result<(), Complaint> {
    let hint = "write scheme, host, perhaps port and path, such as `https://catalogue.example:5000`";
    let (_, authority, path) =
        parts(url).ok_or_else(|| Complaint::new(format!("`{url}` is no address of HTTP"), hint))?;
    let is_host = match authority.starts_with('[') {
        true => host(authority).parse::<IpAddr>().is_ok(),
        false => {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            !host(authority).is_empty() && host(authority).bytes().all(allowed)
        }
    };
    let is_port = |port: &str| port.parse().is_ok_and(|port: u16| port > 0);
    if !is_host || !port(authority).is_none_or(is_port) {
        return Err(Complaint::new(format!("`{url}` names no host"), hint));
    }
    if !is_path(path) {
        return Err(Complaint::new(format!("`{url}` has more than a path behind its host"), hint));
    }
    if !REACHES_SERVERS {
        return Err(Complaint::new(
            format!("`{key}` needs the feature `cloud`, which this build is without"),
            "build with `cargo build --release --features cloud`; or write `path`, and let something else send the lines of that file",
        ));
    }
    Ok(())
}

/// Whether a text is a path of an address as it is sent: nothing to be escaped, no query.
pub(super) fn is_path(path: &str) -> bool {
    path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>\\^`{|}".contains(&byte))
}

/// Scheme, host with port, and what follows them.
fn parts(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| SCHEMES.contains(scheme))?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    Some((scheme, &rest[..end], &rest[end..]))
}

/// The host, an address of IPv6 without its brackets.
fn host(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn port(authority: &str) -> Option<&str> {
    let rest = authority.rsplit(']').next().unwrap_or_default();
    rest.split_once(':').map(|(_, port)| port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_host_and_nothing_but_a_path_behind_it() {
        for url in
            ["https://a.example", "http://localhost:5000/", "http://[::1]:80/x", "https://10.0.0.1/a/b%20c"]
        {
            assert_eq!(check(url, "lineage.url").is_ok(), REACHES_SERVERS, "{url}");
        }
        let refused = [
            "",
            "a.example",
            "ftp://a",
            "https://",
            "https:///x",
            "https://a:0",
            "https://a:x",
            "https://a b",
            "https://[::1",
            "https://a/?key=1",
            "https://a/#x",
            "https://a/ b",
            "https://ü.example",
            "HTTPS://a",
        ];
        for url in refused {
            let complaint = check(url, "lineage.url").expect_err(url);
            assert!(!complaint.message.contains("feature"), "{url}");
        }
    }

    #[test]
    fn what_stays_here_or_is_encrypted_is_private() {
        for url in ["https://a.example", "http://localhost:5000", "http://127.0.0.9/x", "http://[::1]:80"] {
            assert!(is_private(url), "{url}");
        }
        for url in ["http://a.example", "http://localhost.example", "http://10.0.0.1:443", "a.example"] {
            assert!(!is_private(url), "{url}");
        }
    }

    #[test]
    fn users_and_passwords_are_found() {
        for url in ["https://me:secret@a.example/x", "https://me@a", "s3://key:secret@bucket/x"] {
            assert!(holds_credentials(url), "{url}");
        }
        for url in ["https://a.example/x@y", "s3://bucket/a@b", "https://a?x=@"] {
            assert!(!holds_credentials(url), "{url}");
        }
    }
}
