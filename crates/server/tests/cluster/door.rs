//! The database as one node reaches it, in the hands of the test.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

use crate::support::pause;

/// What passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Passage {
    /// Everything.
    Open,
    /// Everything but the bus, which is known by the name that it gives in its first message.
    NoBus,
    /// Nothing: connections end and none is taken.
    Shut,
    /// Nothing, and nobody is told so.
    Silent,
}

/// A door to a PostgreSQL server.
pub struct Door {
    address: SocketAddr,
    ways: Arc<Ways>,
}

struct Ways {
    server: String,
    passage: AtomicU8,
    /// Both ends of what passes, and whether it is a bus.
    open: Mutex<Vec<(TcpStream, bool)>>,
}

impl Ways {
    fn is(&self, passage: Passage) -> bool {
        self.passage.load(Ordering::SeqCst) == passage as u8
    }
}

impl Door {
    pub fn open(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ways =
            Ways { server: host_of(server), passage: AtomicU8::new(Passage::Open as u8), open: Mutex::default() };
        let door = Self { address: listener.local_addr().unwrap(), ways: Arc::new(ways) };
        let ways = Arc::clone(&door.ways);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let ways = Arc::clone(&ways);
                thread::spawn(move || through(client, &ways));
            }
        });
        door
    }

    pub fn url(&self, server: &str) -> String {
        server.replacen(&host_of(server), &self.address.to_string(), 1)
    }

    /// Lets through what it says from now on, and ends what does not pass any more.
    pub fn set(&self, passage: Passage) {
        self.ways.passage.store(passage as u8, Ordering::SeqCst);
        let mut open = self.ways.open.lock().unwrap();
        let stays = |is_bus: bool| match passage {
            Passage::Open | Passage::Silent => true,
            Passage::NoBus => !is_bus,
            Passage::Shut => false,
        };
        open.retain(|(stream, is_bus)| {
            if !stays(*is_bus) {
                drop(stream.shutdown(Shutdown::Both));
            }
            stays(*is_bus)
        });
    }
}

/// The host of a URL.
pub fn host_of(url: &str) -> String {
    url.split_once('@').unwrap().1.split('/').next().unwrap().to_owned()
}

/// Carries a connection.
fn through(mut client: TcpStream, ways: &Arc<Ways>) -> io::Result<()> {
    let mut length = [0; 4];
    client.read_exact(&mut length)?;
    let mut greeting = vec![0; u32::from_be_bytes(length) as usize - length.len()];
    client.read_exact(&mut greeting)?;
    let is_bus = greeting.windows(5).any(|part| part == b" bus\0");
    if ways.is(Passage::Shut) || ways.is(Passage::NoBus) && is_bus {
        return Ok(());
    }
    let mut server = TcpStream::connect(&ways.server)?;
    server.write_all(&[&length[..], &greeting].concat())?;
    ways.open.lock().unwrap().extend([(client.try_clone()?, is_bus), (server.try_clone()?, is_bus)]);
    let (from, to, there) = (client.try_clone()?, server.try_clone()?, Arc::clone(ways));
    thread::spawn(move || carry(from, to, &there));
    carry(server, client, ways)
}

fn carry(mut from: TcpStream, mut to: TcpStream, ways: &Ways) -> io::Result<()> {
    let mut bytes = [0; 16 * 1024];
    loop {
        let count = from.read(&mut bytes)?;
        while ways.is(Passage::Silent) {
            pause(Duration::from_millis(20));
        }
        if count == 0 {
            return to.shutdown(Shutdown::Both);
        }
        to.write_all(&bytes[..count])?;
    }
}
