import AFSBase
import AFSCredentials
import AFSMockServer
import AFSTypes
import ArgumentParser
import Glibc
import ProgramEnd
import RxSecurity
import SystemPackage

/// The users of `afsmock`'s cell: each has a volume that only he may use, and a token in a file, for there is no KDC.
struct MockUsers: ParsableArguments {
  /// The number of the first user, as ptserver begins (OpenAFS src/ptserver/ptserver.h leaves the choice to the cell).
  private static let firstID: Int32 = 1001
  private static let rights: AccessRights = [.read, .write, .insert, .lookup, .delete, .lock, .administer]
  /// A name of Kerberos 4, which is what AFS knows, has fewer bytes than this (OpenAFS src/auth/auth.h,
  /// MAXKTCNAMELEN).
  private static let nameByteCountMax = 63

  @Option(
    name: .customLong("user"),
    help: ArgumentHelp(
      "A user of the cell (repeatable). His volume user.NAME is mounted at NAME in root.cell; nobody else may use it.",
      valueName: "name"))
  var names: [String] = []

  @Option(
    help: ArgumentHelp(
      "Where each user's token is written, to NAME.token: the payload of a key afs@CELL in a session keyring.",
      valueName: "folder"))
  var tokenFolder: String?

  @Option(help: ArgumentHelp("How long the tokens last.", valueName: "seconds"))
  var tokenLifetime = 10 * 3600

  @Option(
    help: ArgumentHelp(
      "The least that servers take of a caller with a token: clear, auth or crypt.", valueName: "level"),
    transform: { name in
      guard let level = RxkadLevel(name) else { throw ValidationError("'\(name)' is not clear, auth or crypt.") }
      return level
    })
  var minSecurity = RxkadLevel.clear

  func validate() throws {
    for name in names where !Self.isName(name) {
      throw ValidationError("'\(name)' is no user's name: letters, digits, _ and -, and at most one dot.")
    }
    guard Set(names).count == names.count else { throw ValidationError("A user is named twice.") }
    guard tokenLifetime > 0 else { throw ValidationError("--token-lifetime must be positive.") }
    guard tokenFolder == nil || !names.isEmpty else { throw ValidationError("--token-folder needs --user.") }
  }

  /// A name, or name and instance with a dot between them.
  private static func isName(_ name: String) -> Bool {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    return (1...2).contains(parts.count)
      && parts.allSatisfy { part in
        (1...nameByteCountMax).contains(part.utf8.count)
          && part.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
              UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
              true
            default: false
            }
          }
      }
  }

  /// Makes the users and their volumes.
  func add(to mock: MockCell, rootCell: FID) {
    for (index, name) in names.enumerated() {
      let id = Self.firstID + Int32(index)
      mock.addUser(name, id: id)
      let volume = mock.makeVolume("user.\(name)", server: 0, isOpen: false)
      mock.setRights(Self.rights, of: id, on: .root(of: volume))
      mock.makeMountPoint(name, in: rootCell, target: "#user.\(name).")
    }
  }

  /// A new token of each user.
  func tokens(of mock: MockCell, cell: CellName) -> [(name: String, token: Token)] {
    names.enumerated().map { index, name in
      let credential = mock.makeCredential(for: name) { $0.lifetime = .seconds(tokenLifetime) }
      let token = Token(
        cell: cell, principal: "\(name.replacing(".", with: "/"))@\(cell.text.uppercased())",
        viceID: Self.firstID + Int32(index), keyVersion: credential.keyVersion, sessionKey: credential.sessionKey,
        ticket: credential.ticket, begins: nil, expires: credential.expires ?? WallTime(seconds: .max),
        source: .command)
      return (name, token)
    }
  }

  /// Writes the tokens, readable for the caller only; older files of the names are replaced.
  /// - Returns: what to tell the user.
  func writeTokens(of mock: MockCell, cell: CellName) throws -> [String] {
    guard let tokenFolder else { return [] }
    return try tokens(of: mock, cell: cell).map { name, token in
      let path = FilePath(tokenFolder).appending("\(name).token")
      do {
        try Self.write(UserKeyPayload.payload(of: token), to: path)
      } catch {
        throw RunFailure("\(path) cannot be written: \(error)")
      }
      return "\(name)'s token: keyctl padd user afs@\(cell) @s <\(path)"
    }
  }

  private static func write(_ bytes: [UInt8], to path: FilePath) throws {
    let new = FilePath("\(path).new")
    let file = try FileDescriptor.open(
      new, .writeOnly, options: [.create, .truncate, .noFollow], permissions: .ownerReadWrite)
    try file.closeAfter { _ = try file.writeAll(bytes) }
    guard rename(new.string, path.string) == 0 else { throw Errno(rawValue: errno) }
  }
}
