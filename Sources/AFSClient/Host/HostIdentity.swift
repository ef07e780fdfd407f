package import AFSBase
internal import Glibc
package import Logging
package import SystemPackage

/// The UUID by which fileservers know this client, kept in a file so that they know it again after a restart.
///
/// The file is text: a line with the format's version, a line with the UUID. A file of another version or a damaged
/// one is replaced by a new UUID: servers then see a new client, which costs nothing but their old promises.
package enum HostIdentity {
  package static let fileName = "host-uuid"
  private static let header = "afsfuse host uuid 1"
  private static let sizeMax = 256

  /// Reads the UUID in `directory`, or makes one and writes it there.
  package static func load(
    in directory: FilePath, using generator: inout some RandomNumberGenerator, log: Logger
  ) -> AFSUUID {
    let path = directory.appending(fileName)
    do {
      if let text = try read(path) {
        if let uuid = parse(text) { return uuid }
        log.warning("\(path) is damaged or of another version: servers will see a new client")
      }
    } catch {
      log.warning("\(path) can't be read: \(error)")
    }
    let uuid = AFSUUID(using: &generator)
    do {
      try write("\(header)\n\(uuid)\n", to: path)
    } catch {
      log.warning("\(path) can't be written: \(error)")
    }
    return uuid
  }

  package static func parse(_ text: String) -> AFSUUID? {
    let lines = text.split(separator: "\n")
    guard lines.count == 2, lines[0] == header else { return nil }
    return AFSUUID(lines[1])
  }

  private static func read(_ path: FilePath) throws -> String? {
    let file: FileDescriptor
    do {
      file = try FileDescriptor.open(path, .readOnly)
    } catch Errno.noSuchFileOrDirectory {
      return nil
    }
    defer { try? file.close() }
    var bytes = [UInt8](repeating: 0, count: sizeMax)
    let count = try bytes.withUnsafeMutableBytes { try file.read(into: $0) }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  /// Writes a new file and renames it: a crash leaves the old or the new one.
  private static func write(_ text: String, to path: FilePath) throws {
    let temporary = path.removingLastComponent().appending(fileName + ".new")
    let file = try FileDescriptor.open(
      temporary, .writeOnly, options: [.create, .truncate], permissions: [.ownerRead, .ownerWrite])
    do {
      _ = try file.writeAll(Array(text.utf8))
      try file.close()
    } catch {
      try? file.close()
      throw error
    }
    guard rename(temporary.string, path.string) == 0 else { throw Errno(rawValue: errno) }
  }
}
