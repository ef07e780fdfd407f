public import AFSTypes

/// Why a file system operation failed: what users and tools must be able to tell apart.
///
/// The front end turns each case into an errno by one exhaustive switch.
public enum AFSError: Error, Hashable, Sendable {
  // What the caller did
  case notFound
  case alreadyExists
  case notDirectory
  case isDirectory
  case notEmpty
  case nameTooLong
  case invalidArgument
  case invalidName
  case crossDevice
  case tooManyLinks
  case fileTooLarge
  /// The directory has no room for another name (AFS-3: 64,435 short names).
  case directoryFull
  case tooManySymbolicLinks
  case notSupported
  case notPermitted
  case accessDenied
  case readOnly
  case busy
  case wouldBlock
  case interrupted
  case notSymbolicLink
  case noAttribute
  // What the server or the volume lacks
  case quotaExceeded
  case noSpace
  /// The file was removed or replaced on the server: tools should look the name up again (ESTALE).
  case stale
  case noSuchCell
  case noSuchVolume
  case volumeOffline
  /// No server of the volume answers within the time limit (ETIMEDOUT) or the network refuses (EHOSTUNREACH).
  case timedOut
  case unreachable
  case tokenExpired
  // Trouble
  /// The server sent something that cannot be right, a malformed directory for one; the text goes to the log.
  case corrupt(String)
  /// The cache's disk failed or is full.
  case cacheFailure(Int32)
  /// An abort code without a better meaning.
  case aborted(AbortCode)
  /// An errno that the server reported and that has no case of its own.
  case system(Int32)
  case shutDown
}
