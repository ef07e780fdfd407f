import AFSBase
import AFSCredentials
import AFSMockServer
import AFSRPC
import AFSTypes
import ArgumentParser
import Glibc
import ProgramEnd
import RxCore
import RxSecurity
import RxTesting
import RxTransport
import TestFolders
import TestWorld
import Testing

@testable import afsmock

@Suite struct MockUsersTests {
  static func users(_ words: String...) throws -> MockUsers { try MockUsers.parse(words) }

  static func bytes(_ path: String) throws -> [UInt8] {
    let file = try #require(fopen(path, "r"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    return Array(bytes[..<fread(&bytes, 1, bytes.count, file)])
  }

  @Test("A user's token file lets him into his own volume, and nobody else")
  func tokens() throws {
    let folder = TemporaryFolder()
    let users = try Self.users("--user", "alice", "--user", "bob.admin", "--token-folder", folder.path)
    try World.run(seed: 1) { world async throws in
      let cell = World.cellName
      users.add(to: world.cell, rootCell: .root(of: world.rootCell))
      let lines = try users.writeTokens(of: world.cell, cell: cell)
      #expect(lines.first == "alice's token: keyctl padd user afs@\(cell) @s <\(folder.path)/alice.token")
      #expect(world.cell.names(in: .root(of: world.rootCell)) == ["alice", "bob.admin"].map { Array($0.utf8) })
      let host = world.clients[0].host
      let now = world.simulator.timer.wallTime
      for name in ["alice", "bob.admin"] {
        let token = try UserKeyPayload.token(
          Self.bytes("\(folder.path)/\(name).token"), cell: cell, source: .keyring(serial: 1))
        #expect(token.protectionName == name)
        #expect(token.viceID == (name == "alice" ? 1001 : 1002))
        #expect(token.expires.seconds - now.seconds == 36000)
        let credential = RxkadCredential(
          keyVersion: token.keyVersion, sessionKey: token.sessionKey, ticket: token.ticket, expires: token.expires)
        let security = host.register(try RxkadClientSecurity(credential, level: .crypt) { now })
        for owner in ["alice", "bob.admin"] {
          let root = try #require(world.cell.root(ofVolume: "user.\(owner)"))
          let service = RXAFSClient(caller: host, peer: world.servers[0].address, security: security)
          let isLetIn = (try? await service.fetchStatus(fid: AFSFid(root))) != nil
          #expect(isLetIn == (name == owner), "\(name) in \(owner)'s volume")
          let anonymous = RXAFSClient(caller: host, peer: world.servers[0].address)
          #expect((try? await anonymous.fetchStatus(fid: AFSFid(root))) == nil)
        }
      }
    }
  }

  @Test("Token files are for their owner's eyes, also where an older one was not")
  func permissions() throws {
    let folder = TemporaryFolder()
    let path = "\(folder.path)/alice.token"
    close(open(path, O_CREAT | O_WRONLY, 0o644))
    let users = try Self.users("--user", "alice", "--token-folder", folder.path, "--token-lifetime", "60")
    try World.run(seed: 1) { world in _ = try users.writeTokens(of: world.cell, cell: World.cellName) }
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    #expect(try Self.bytes(path).starts(with: Array("AFSTOKEN".utf8)))
  }

  @Test("A folder that does not exist is named in the error")
  func noFolder() throws {
    let users = try Self.users("--user", "alice", "--token-folder", "/no/such/folder")
    let error = try World.run(seed: 1) { world -> RunFailure? in
      do {
        _ = try users.writeTokens(of: world.cell, cell: World.cellName)
        return nil
      } catch {
        return error as? RunFailure
      }
    }
    #expect(error?.text.contains("/no/such/folder/alice.token") == true)
  }

  @Test(
    "Options that make no sense are refused",
    arguments: [
      ["--user", "a/b"], ["--user", ""], ["--user", "a.b.c"], ["--user", ".a"], ["--user", "a", "--user", "a"],
      ["--user", "a", "--token-lifetime", "0"], ["--token-folder", "/tmp"], ["--min-security", "none"],
      ["--user", String(repeating: "a", count: 64)],
    ])
  func refused(words: [String]) {
    #expect(throws: (any Error).self) { _ = try MockUsers.parse(words) }
  }
}
