//! A file sealed under a passphrase of its own, version 1: what a backup lies in.
//!
//! | octets | what |
//! |---|---|
//! | 17 | `SEKISHO BACKUP 1` and a newline |
//! | 2 | length of the header, big endian, at most 1 KiB |
//! | length | the header: DER |
//! | 32 | SHA-256 of everything before |
//! | 65,552 each | chunks: 64 KiB, sealed; only the last is shorter |
//!
//! The key is Argon2id's of the passphrase under a fresh salt, at costs that the header names and
//! that are bounded before any memory is taken (RFC 9106). It seals this one file. AES-256-GCM-SIV
//! does not commit to its key, so the header carries a commitment, compared before a chunk is
//! opened. Each chunk is sealed for its place, for whether it is the last, and for this header: none
//! can be left out, moved, repeated or taken from another file, and a missing end is noticed.

use std::io::{self, Read, Write};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use der::asn1::OctetString;
use der::{Decode, Encode, Sequence};
use zeroize::{Zeroize, Zeroizing};

use super::VaultError;
use super::cipher::{self, ChunkCipher, Purpose};
use super::slot::{COSTS, Costs, SALT, stretch_passphrase};
use crate::ground::messages::Refusal;
use crate::ground::secret::Passphrase;
use crate::hardening::LockedKey;

/// Octets of a chunk before it is sealed.
const CHUNK: usize = 64 * 1024;
const MAGIC: &[u8; 17] = b"SEKISHO BACKUP 1\n";
const VERSION: u8 = 1;
const LONGEST_HEADER: usize = 1024;
const DIGEST: usize = 32;

/// Why a stream could not be written or read.
#[derive(Debug)]
pub enum StreamError {
    /// The file could not be read or written.
    System(io::Error),
    /// It does not begin as these files do.
    NotOne,
    /// It is cut short, or not what was written.
    Damaged,
    /// It is of a later version of this program.
    UnknownVersion {
        /// The version found.
        found: u8,
    },
    /// The header asks for more, or for less, work and memory than any version of this program writes.
    CostsOutOfBounds,
    /// The passphrase is not the one it was sealed under.
    WrongPassphrase,
    /// The cryptographic library or the random number generator failed.
    Cryptography,
}

/// Seals what is written to it.
pub struct Sealer<W> {
    to: W,
    cipher: ChunkCipher,
    header_sha256: [u8; DIGEST],
    place: u64,
    /// What is not sealed yet, at most one chunk.
    chunk: Zeroizing<Vec<u8>>,
}

/// Opens what was sealed.
pub struct Opener<R> {
    from: R,
    cipher: ChunkCipher,
    header_sha256: [u8; DIGEST],
    place: u64,
    /// The next chunk, still sealed; read ahead, to know whether another follows.
    ahead: Zeroizing<Vec<u8>>,
    /// What is open and not taken yet.
    open: Zeroizing<Vec<u8>>,
    taken: usize,
    ended: bool,
}

#[derive(Sequence)]
struct Header {
    version: u8,
    salt: OctetString,
    costs: Costs,
    commitment: OctetString,
}

impl<W: Write> Sealer<W> {
    /// Begins a file under a passphrase; the header is written at once.
    ///
    /// # Errors
    /// `System` or `Cryptography`.
    pub fn begin(mut to: W, passphrase: &Passphrase) -> Result<Self, StreamError> {
        let mut salt = [0_u8; SALT];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| StreamError::Cryptography)?;
        let key = stretch_passphrase(passphrase.expose().as_bytes(), &salt, COSTS)?;
        let octets = |bytes: &[u8]| OctetString::new(bytes).map_err(|_| StreamError::Cryptography);
        let header = Header {
            version: VERSION,
            salt: octets(&salt)?,
            costs: COSTS,
            commitment: octets(commitment(&key, &salt)?.expose())?,
        };
        let header = framed(&header.to_der().map_err(|_| StreamError::Cryptography)?)?;
        to.write_all(&header)?;
        let cipher = chunk_cipher(&key, &salt)?;
        let chunk = Zeroizing::new(Vec::with_capacity(CHUNK + ChunkCipher::TAG));
        Ok(Self { to, cipher, header_sha256: sha256(&header), place: 0, chunk })
    }

    /// Seals some octets.
    ///
    /// # Errors
    /// `System` or `Cryptography`.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), StreamError> {
        while !bytes.is_empty() {
            // Only what something follows is not the last.
            if self.chunk.len() == CHUNK {
                self.seal_chunk(false)?;
            }
            let room = CHUNK - self.chunk.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Seals the last chunk. What it was written to is the caller's again.
    ///
    /// # Errors
    /// `System` or `Cryptography`.
    pub fn finish(mut self) -> Result<W, StreamError> {
        self.seal_chunk(true)?;
        Ok(self.to)
    }

    fn seal_chunk(&mut self, last: bool) -> Result<(), StreamError> {
        self.cipher.seal(self.place, last, &self.header_sha256, &mut self.chunk)?;
        self.to.write_all(&self.chunk)?;
        self.chunk.clear();
        self.place += 1;
        Ok(())
    }
}

impl<R: Read> Opener<R> {
    /// Begins to read a file under a passphrase.
    ///
    /// # Errors
    /// Any [`StreamError`].
    pub fn begin(mut from: R, passphrase: &Passphrase) -> Result<Self, StreamError> {
        let (header, header_sha256) = read_header(&mut from)?;
        let salt = header.salt.as_bytes();
        let key = stretch_passphrase(passphrase.expose().as_bytes(), salt, header.costs)?;
        let proof = commitment(&key, salt)?;
        if verify_slices_are_equal(proof.expose(), header.commitment.as_bytes()).is_err() {
            return Err(StreamError::WrongPassphrase);
        }
        let cipher = chunk_cipher(&key, salt)?;
        let ahead = read_chunk(&mut from)?;
        let open = Zeroizing::default();
        Ok(Self { from, cipher, header_sha256, place: 0, ahead, open, taken: 0, ended: false })
    }

    /// Fills `out` with the octets that come next.
    ///
    /// # Errors
    /// `Damaged`, also where there are no more; `System`.
    pub fn read_exact(&mut self, out: &mut [u8]) -> Result<(), StreamError> {
        let mut out = out;
        while !out.is_empty() {
            let open = self.open.get(self.taken..).unwrap_or_default();
            if open.is_empty() {
                self.open_chunk()?;
                continue;
            }
            let (now, later) = out.split_at_mut(open.len().min(out.len()));
            now.copy_from_slice(open.get(..now.len()).unwrap_or_default());
            self.taken += now.len();
            out = later;
        }
        Ok(())
    }

    /// That nothing follows, and that the end is the one that was written.
    ///
    /// # Errors
    /// `Damaged`, `System`.
    pub fn finish(mut self) -> Result<(), StreamError> {
        while !self.ended {
            if self.taken < self.open.len() {
                return Err(StreamError::Damaged);
            }
            self.open_chunk()?;
        }
        if self.taken < self.open.len() { Err(StreamError::Damaged) } else { Ok(()) }
    }

    fn open_chunk(&mut self) -> Result<(), StreamError> {
        if self.ended {
            return Err(StreamError::Damaged);
        }
        let next = read_chunk(&mut self.from)?;
        let mut chunk = std::mem::replace(&mut self.ahead, next);
        let last = self.ahead.is_empty();
        let open = self.cipher.open(self.place, last, &self.header_sha256, &mut chunk);
        let length = open.ok_or(StreamError::Damaged)?.len();
        chunk.truncate(length);
        self.open.zeroize();
        self.open = chunk;
        self.taken = 0;
        self.place += 1;
        self.ended = last;
        Ok(())
    }
}

fn read_header(from: &mut impl Read) -> Result<(Header, [u8; DIGEST]), StreamError> {
    let mut magic = [0; MAGIC.len()];
    let begun = read_up_to(from, &mut magic)?;
    let (found, _) = magic.split_at(begun);
    if !MAGIC.starts_with(found) || begun == 0 {
        return Err(StreamError::NotOne);
    }
    let mut length = [0; 2];
    exactly(from, &mut length)?;
    let octets = usize::from(u16::from_be_bytes(length));
    if octets > LONGEST_HEADER {
        return Err(StreamError::Damaged);
    }
    let mut header = vec![0; octets];
    exactly(from, &mut header)?;
    let mut digest = [0; DIGEST];
    exactly(from, &mut digest)?;
    let whole = framed(&header)?;
    if !whole.ends_with(&digest) {
        return Err(StreamError::Damaged);
    }
    let header = Header::from_der(&header).map_err(|_| StreamError::Damaged)?;
    if header.version != VERSION {
        return Err(StreamError::UnknownVersion { found: header.version });
    }
    if !header.costs.are_bounded() || header.salt.as_bytes().len() < SALT {
        return Err(StreamError::CostsOutOfBounds);
    }
    Ok((header, sha256(&whole)))
}

/// Everything before the chunks.
fn framed(header: &[u8]) -> Result<Vec<u8>, StreamError> {
    let length = u16::try_from(header.len()).map_err(|_| StreamError::Damaged)?;
    let mut whole = [MAGIC.as_slice(), &length.to_be_bytes(), header].concat();
    let digest = sha256(&whole);
    whole.extend_from_slice(&digest);
    Ok(whole)
}

fn read_chunk(from: &mut impl Read) -> Result<Zeroizing<Vec<u8>>, StreamError> {
    let mut chunk = Zeroizing::new(vec![0; CHUNK + ChunkCipher::TAG]);
    let read = read_up_to(from, &mut chunk)?;
    chunk.truncate(read);
    Ok(chunk)
}

fn exactly(from: &mut impl Read, out: &mut [u8]) -> Result<(), StreamError> {
    let read = read_up_to(from, out)?;
    if read < out.len() { Err(StreamError::Damaged) } else { Ok(()) }
}

/// Reads until `out` is full or the file ends; how many octets it was.
fn read_up_to(from: &mut impl Read, out: &mut [u8]) -> Result<usize, StreamError> {
    let mut filled = 0;
    while let Some(rest) = out.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(filled)
}

fn chunk_cipher(key: &LockedKey, salt: &[u8]) -> Result<ChunkCipher, VaultError> {
    ChunkCipher::new(&cipher::derive(key, salt, Purpose::Stream)?)
}

fn commitment(key: &LockedKey, salt: &[u8]) -> Result<LockedKey, VaultError> {
    cipher::derive(key, salt, Purpose::StreamCommitment)
}

fn sha256(bytes: &[u8]) -> [u8; DIGEST] {
    super::sha256(bytes)
}

impl From<io::Error> for StreamError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl From<VaultError> for StreamError {
    fn from(_: VaultError) -> Self {
        Self::Cryptography
    }
}

impl From<StreamError> for Refusal {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::System(error) if error.kind() == io::ErrorKind::StorageFull => {
                Self::DiskFull { path: "backup".to_owned() }
            }
            StreamError::System(error) => Self::SystemRefused { reason: error.to_string() },
            StreamError::NotOne => Self::NotABackup {},
            StreamError::Damaged => Self::BackupDamaged {},
            StreamError::UnknownVersion { found } => {
                Self::NewerFormat { what: "backup".to_owned(), version: found.to_string() }
            }
            StreamError::CostsOutOfBounds => Self::BackupCosts {},
            StreamError::WrongPassphrase => Self::WrongBackupPassphrase {},
            StreamError::Cryptography => Self::CryptographyFailed {},
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text.to_owned())
    }

    fn sealed(content: &[u8]) -> Vec<u8> {
        let mut sealer = Sealer::begin(Vec::new(), &passphrase("of the backup")).unwrap();
        content.chunks(1000).for_each(|part| sealer.write(part).unwrap());
        sealer.finish().unwrap()
    }

    fn opened(file: &[u8], length: usize) -> Result<Vec<u8>, StreamError> {
        let mut opener = Opener::begin(file, &passphrase("of the backup"))?;
        let mut content = vec![0; length];
        opener.read_exact(&mut content)?;
        opener.finish().map(|()| content)
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|place| u8::try_from(place % 251).unwrap()).collect()
    }

    /// Octets of everything before the chunks.
    fn header_of(file: &[u8]) -> usize {
        let length = usize::from(u16::from_be_bytes([file[17], file[18]]));
        17 + 2 + length + 32
    }

    #[test]
    fn what_is_sealed_opens_whatever_its_length() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let file = sealed(&content(length));
            assert_eq!(opened(&file, length).unwrap(), content(length), "{length}");
            assert!(opened(&file, length + 1).is_err(), "{length}: more than there is");
            let fewer = length.checked_sub(1).map(|length| opened(&file, length));
            assert!(fewer.is_none_or(|opened| opened.is_err()), "{length}: not all of it");
        }
    }

    // Catches a stream whose end, or whose order, nobody authenticates.
    #[test]
    fn chunks_left_out_moved_repeated_or_taken_from_another_file_are_noticed() {
        let length = 3 * CHUNK;
        let file = sealed(&content(length));
        let (header, chunks) = file.split_at(header_of(&file));
        let parts: Vec<&[u8]> = chunks.chunks(CHUNK + ChunkCipher::TAG).collect();
        let other = sealed(&content(length));
        let foreign: Vec<&[u8]> =
            other[header_of(&other)..].chunks(CHUNK + ChunkCipher::TAG).collect();
        let arranged = |parts: &[&[u8]]| [header, &parts.concat()].concat();
        assert!(opened(&arranged(&parts), length).is_ok());
        let wrong: [(&str, Vec<&[u8]>, usize); 5] = [
            ("cut at a chunk's end", vec![parts[0], parts[1]], 2 * CHUNK),
            ("one left out", vec![parts[0], parts[2]], 2 * CHUNK),
            ("two changed places", vec![parts[1], parts[0], parts[2]], length),
            ("one repeated", vec![parts[0], parts[0], parts[1], parts[2]], 4 * CHUNK),
            ("one of another file", vec![parts[0], foreign[1], parts[2]], length),
        ];
        for (what, parts, length) in wrong {
            assert!(
                matches!(opened(&arranged(&parts), length), Err(StreamError::Damaged)),
                "{what}"
            );
        }
        let behind = [file.as_slice(), b"more"].concat();
        assert!(opened(&behind, length).is_err(), "something behind the end");
    }

    #[test]
    fn another_passphrase_is_told_from_damage() {
        let file = sealed(b"content");
        let refused = Opener::begin(file.as_slice(), &passphrase("of another")).err();
        assert!(matches!(refused, Some(StreamError::WrongPassphrase)), "{refused:?}");
        assert!(matches!(opened(b"", 0), Err(StreamError::NotOne)));
        assert!(matches!(opened(b"PK\x03\x04", 0), Err(StreamError::NotOne)));
    }

    // The key derivation runs only where the header is whole: few of these cost anything.
    #[test]
    fn every_flipped_bit_and_every_cut_in_the_header_is_a_clear_error() {
        let file = sealed(b"content");
        for bit in 0..header_of(&file) * 8 {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let refused = opened(&flipped, 7).unwrap_err();
            let expected = matches!(refused, StreamError::NotOne | StreamError::Damaged);
            assert!(expected, "bit {bit}: {refused:?}");
        }
        for length in 1..header_of(&file) {
            let refused = opened(&file[..length], 7).unwrap_err();
            assert!(matches!(refused, StreamError::Damaged), "{length}: {refused:?}");
        }
    }

    // I34: with a digest that fits, only the bounds stand before the memory.
    #[test]
    fn costs_beyond_the_bounds_are_refused_before_memory_is_taken() {
        let file = sealed(b"content");
        let length = header_of(&file);
        // 64 MiB is the INTEGER 65536; 4 TiB in KiB does not fit 32 bits, so the largest that does.
        let memory = [0x02, 0x03, 0x01, 0x00, 0x00];
        let at = file.windows(5).position(|window| window == memory).unwrap();
        for forged in [[0x7F, 0xFF, 0xFF], [0x00, 0x80, 0x00]] {
            let mut file = file.clone();
            file[at + 2..at + 5].copy_from_slice(&forged);
            let digest = sha256(&file[..length - 32]);
            file[length - 32..length].copy_from_slice(&digest);
            let refused = opened(&file, 7).unwrap_err();
            assert!(matches!(refused, StreamError::CostsOutOfBounds), "{refused:?}");
        }
    }

    proptest! {
        #[test]
        fn foreign_octets_are_an_error_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(opened(&bytes, 1).is_err());
            let behind = [MAGIC.as_slice(), &bytes].concat();
            prop_assert!(opened(&behind, 1).is_err());
            prop_assert!(framed(&bytes).is_ok_and(|whole| opened(&whole, 1).is_err()));
        }
    }
}
