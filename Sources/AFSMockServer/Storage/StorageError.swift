/// Why the mock's storage refuses an operation; the services turn it into the abort code that OpenAFS sends.
enum StorageError: Error, Hashable, Sendable {
  case noSuchVolume
  case noSuchVnode
  case notFound
  case exists
  case notDirectory
  case isDirectory
  case notEmpty
  case accessDenied
  case readOnly
  case overQuota
  case nameTooLong
  case invalid
  case crossDevice
  case directoryFull
  case locked
}
