//! A job from bucket to bucket, and a run of it that something happens to.

use std::collections::BTreeMap;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::proxy::{Fate, Proxy, Request};
use super::servers::Server;
use crate::support::{CONFIG, Ran, Warehouse, few_touchpoints, floats, with};

/// A job whose inputs and results lie below a prefix of a server.
pub struct Job {
    pub warehouse: Warehouse,
    pub server: Server,
    pub prefix: &'static str,
}

impl Job {
    pub fn new(server: Server, prefix: &'static str) -> Self {
        let warehouse = Warehouse::new(CONFIG);
        std::fs::create_dir(warehouse.path("tmp")).unwrap();
        let job = Self { warehouse, server, prefix };
        job.set_value(30.0);
        job
    }

    /// Writes the touchpoints, here and in the store, with a value that tells one version from the next.
    pub fn set_value(&self, value: f64) {
        let columns =
            with(few_touchpoints(), "value", floats(&[None, Some(value), None, Some(12.5), None, None]));
        self.warehouse.parquet("touchpoints/dt=2026-04-01/a.parquet", columns);
        self.upload("touchpoints/dt=2026-04-01/a.parquet");
    }

    pub fn upload(&self, name: &str) {
        self.server.put(&self.key(name), &std::fs::read(self.warehouse.path(name)).unwrap());
    }

    pub fn key(&self, below: &str) -> String {
        format!("{}/{below}", self.prefix)
    }

    /// A run in the store, by way of something at a port.
    pub fn command_at(&self, port: u16, arguments: &[&str]) -> Command {
        let inputs = format!("inputs.touchpoints.path={}", self.server.url(&self.key("touchpoints")));
        let out = self.server.url(&self.key("touchpoints/results"));
        let arguments = [&["run", "--set", &inputs, "--out", &out], arguments].concat();
        let mut command = self.warehouse.command(&arguments);
        command.envs(self.server.environment(port)).env("TMPDIR", self.warehouse.path("tmp"));
        command
    }

    pub fn run_at(&self, port: u16, arguments: &[&str]) -> Ran {
        self.warehouse.finish(self.command_at(port, arguments))
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        let ran = self.run_at(self.server.port, arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran
    }

    /// The same on this machine: what every run in the store has to give.
    pub fn expected(&self) -> BTreeMap<String, Vec<u8>> {
        self.warehouse.run(&["--quiet"]);
        self.warehouse.published()
    }

    pub fn result(&self, below: &str) -> Option<Vec<u8>> {
        self.server.get(&self.key(&format!("touchpoints/results/{below}")))
    }

    pub fn results(&self, below: &str) -> Vec<String> {
        self.server.list(&self.key(&format!("touchpoints/results/{below}")))
    }

    /// What `current.json` shows, after a look at everything that it promises; empty where nothing is published.
    pub fn current(&self) -> BTreeMap<String, Vec<u8>> {
        let Some(pointer) = self.result("current.json") else { return BTreeMap::new() };
        let pointer: Value = serde_json::from_slice(&pointer).unwrap();
        let manifest = self.result(pointer["manifest"].as_str().unwrap()).expect("a manifest");
        assert_eq!(pointer["sha256"], hex(&manifest));
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let run = pointer["run"].as_str().unwrap();
        let read = |file: &Value| {
            let path = file["path"].as_str().unwrap();
            let bytes =
                self.result(&format!("runs/{run}/{path}")).unwrap_or_else(|| panic!("{path} is gone"));
            assert_eq!(file["sha256"], hex(&bytes), "{path}");
            (path.to_owned(), bytes)
        };
        let tables = manifest["tables"].as_array().unwrap();
        tables.iter().flat_map(|table| [read(&table["parquet"]), read(&table["csv"])]).collect()
    }

    /// A proxy before the server.
    pub fn proxy(&self, rule: impl Fn(&Request) -> Fate + Send + Sync + 'static) -> Proxy {
        Proxy::before(self.server.port, Arc::new(rule))
    }

    /// Nothing of a run is left on this machine.
    pub fn assert_tidy(&self) {
        let left: Vec<_> = std::fs::read_dir(self.warehouse.path("tmp")).unwrap().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

pub fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A child that a rule of a proxy may signal.
#[derive(Clone, Default)]
pub struct Victim(Arc<Mutex<Option<Child>>>);

impl Victim {
    pub fn spawn(&self, mut command: Command) {
        // Held while it starts: its first request may come before this returns.
        let mut child = self.0.lock().unwrap();
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        *child = Some(command.spawn().unwrap());
    }

    pub fn kill(&self) {
        self.0.lock().unwrap().as_mut().unwrap().kill().unwrap();
    }

    pub fn terminate(&self) {
        let pid = self.0.lock().unwrap().as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits for its end without keeping a rule from it.
    pub fn wait(&self) -> Option<i32> {
        loop {
            if let Some(status) = self.0.lock().unwrap().as_mut().unwrap().try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
