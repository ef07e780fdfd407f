import AFSBase
import AFSClient
import AFSMockServer
import AFSRPC
import AFSTypes
import RxCore
import RxSecurity
import RxTesting
import RxTransport
import TestWorld
import Testing

/// The mock cell's servers under rxkad: who calls, what he may, and everything that can be wrong with a token.
@Suite struct AuthenticationTests {
  /// UAEACCES
  static let refused = Result<AccessRights, RxCallError>.failure(.aborted(AbortCode(AbortCode.uaeBase + 12)))

  /// The file service as somebody calls it.
  static func fileService(
    _ world: World, as credential: RxkadCredential?, level: RxkadLevel = .crypt
  ) throws -> RXAFSClient {
    let host = world.clients[0].host
    guard let credential else { return RXAFSClient(caller: host, peer: world.servers[0].address) }
    let timer = world.simulator.timer
    let reference = host.register(try RxkadClientSecurity(credential, level: level) { timer.wallTime })
    return RXAFSClient(caller: host, peer: world.servers[0].address, security: reference)
  }

  /// The rights of the caller on a directory, or how the call ended.
  static func access(_ service: RXAFSClient, _ fid: FID) async -> Result<AccessRights, RxCallError> {
    do throws(RxCallError) {
      return .success(AccessRights(rawValue: try await service.fetchStatus(fid: AFSFid(fid)).status.callerAccess))
    } catch {
      return .failure(error)
    }
  }

  /// A volume of alice's alone.
  static func privateRoot(_ world: World) -> FID {
    world.cell.addUser("alice", id: 1001)
    world.cell.addUser("bob", id: 1002)
    let volume = world.cell.makeVolume("user.alice", server: 0, isOpen: false)
    world.cell.setRights([.read, .lookup, .write, .insert], of: 1001, on: .root(of: volume))
    return .root(of: volume)
  }

  @Test(
    "A user has his rights at every level and with every form of ticket", arguments: RxkadLevel.allCases,
    MockTicket.Form.allCases)
  func rights(level: RxkadLevel, form: MockTicket.Form) throws {
    try World.run(seed: 1) { world async throws in
      let root = Self.privateRoot(world)
      let alice = try Self.fileService(
        world, as: world.cell.makeCredential(for: "alice") { $0.form = form }, level: level)
      let bob = try Self.fileService(
        world, as: world.cell.makeCredential(for: "bob") { $0.form = form }, level: level)
      #expect(await Self.access(alice, root) == .success([.read, .lookup, .write, .insert]))
      #expect(await Self.access(bob, root) == Self.refused)
      #expect(await Self.access(try Self.fileService(world, as: nil), root) == Self.refused)
      #expect(world.cell.callerCounts[RxPrincipal(name: "alice", cell: "MOCK.EXAMPLE")] == 1)
    }
  }

  @Test("Groups count, system:authuser is everybody with a token that the cell knows, and nobody else")
  func groups() throws {
    try World.run(seed: 2) { world async throws in
      let root = Self.privateRoot(world)
      world.cell.addUser("alice:friends", id: -300)
      world.cell.addMember(1002, toGroup: -300)
      world.cell.setRights([.lookup], of: -300, on: root)
      let bob = try Self.fileService(world, as: world.cell.makeCredential(for: "bob"))
      #expect(await Self.access(bob, root) == .success([.lookup]))
      world.cell.setRights([.read, .lookup], of: -102, on: root)
      #expect(await Self.access(bob, root) == .success([.read, .lookup]))
      let stranger = try Self.fileService(world, as: world.cell.makeCredential(for: "carol"))
      #expect(await Self.access(stranger, root) == Self.refused)
      let namesake = try Self.fileService(
        world, as: world.cell.makeCredential(for: "bob") { $0.realm = "OTHER.EXAMPLE" })
      #expect(await Self.access(namesake, root) == Self.refused)
      world.cell.addUser("bob@other.example", id: 1003)
      #expect(await Self.access(namesake, root) == .success([.read, .lookup]))
    }
  }

  @Test("What a user makes is his")
  func owner() throws {
    try World.run(seed: 3) { world async throws in
      let root = Self.privateRoot(world)
      let alice = try Self.fileService(world, as: world.cell.makeCredential(for: "alice"))
      let made = try await alice.createFile(
        directory: AFSFid(root), name: Array("mine".utf8),
        storeStatus: AFSStoreStatus(mask: 0, clientModTime: 0, owner: 0, group: 0, unixModeBits: 0, segmentSize: 0))
      #expect(made.status.owner == 1001)
    }
  }

  @Test(
    "A token that is no good is refused with the protocol's code",
    arguments: [
      (MockTicket.Defect.unknownKeyVersion, AbortCode.rxkadUnknownKey), (.forged, .rxkadBadTicket),
      (.wrongSessionKey, .rxkadSealedInconsistent),
    ])
  func defects(defect: MockTicket.Defect, code: AbortCode) throws {
    try World.run(seed: 4) { world async throws in
      let root = Self.privateRoot(world)
      for form in MockTicket.Form.allCases {
        let credential = world.cell.makeCredential(for: "alice") {
          $0.form = form
          $0.defect = defect
        }
        let service = try Self.fileService(
          world, as: credential)
        #expect(await Self.access(service, root) == .failure(.aborted(code)), "\(form)")
      }
    }
  }

  @Test("A token's time ends its connection: the client begins no call, the server takes none")
  func expiry() throws {
    try World.run(seed: 5) { world async throws in
      let root = Self.privateRoot(world)
      let known = try Self.fileService(
        world, as: world.cell.makeCredential(for: "alice") { $0.lifetime = .seconds(60) })
      let unknown = try Self.fileService(
        world,
        as: world.cell.makeCredential(for: "alice") {
          $0.lifetime = .seconds(60)
          $0.showsExpiry = false
        })
      #expect(await Self.access(known, root) == .success([.read, .lookup, .write, .insert]))
      #expect(await Self.access(unknown, root) == .success([.read, .lookup, .write, .insert]))
      try await world.sleep(.seconds(61))
      #expect(await Self.access(known, root) == .failure(.security("the token has expired")))
      #expect(await Self.access(unknown, root) == .failure(.aborted(.rxkadExpired)))
      // A new token puts it right.
      let renewed = try Self.fileService(world, as: world.cell.makeCredential(for: "alice"))
      #expect(await Self.access(renewed, root) == .success([.read, .lookup, .write, .insert]))
    }
  }

  @Test("A server that demands more than the client offers is told, in words")
  func demand() throws {
    try World.run(seed: 6, { $0.minimumLevel = .auth }) { world async throws in
      let root = Self.privateRoot(world)
      let credential = world.cell.makeCredential(for: "alice")
      let clear = try Self.fileService(world, as: credential, level: .clear)
      #expect(
        await Self.access(clear, root)
          == .failure(.security("the server demands level auth, the connection has clear")))
      let auth = try Self.fileService(world, as: credential, level: .auth)
      #expect(await Self.access(auth, root) == .success([.read, .lookup, .write, .insert]))
    }
  }

  @Test("The fault plan refuses tokens, demands levels and sends nonsense on demand")
  func faults() throws {
    try World.run(seed: 7) { world async throws in
      let root = Self.privateRoot(world)
      let credential = world.cell.makeCredential(for: "alice")
      world.cell.addFault(AuthenticationFault.Rule(server: 0, fault: .refuse(.rxkadExpired)))
      let first = try Self.fileService(world, as: credential)
      #expect(await Self.access(first, root) == .failure(.aborted(.rxkadExpired)))
      #expect(await Self.access(first, root) == .success([.read, .lookup, .write, .insert]))
      world.cell.addFault(AuthenticationFault.Rule(fault: .demand(.crypt)))
      let second = try Self.fileService(world, as: credential, level: .auth)
      #expect(
        await Self.access(second, root)
          == .failure(.security("the server demands level crypt, the connection has auth")))
      world.cell.addFault(AuthenticationFault.Rule(fault: .challenge([1, 2, 3])))
      let third = try Self.fileService(world, as: credential)
      #expect(await Self.access(third, root) == .failure(.security("a challenge has only 3 bytes")))
    }
  }

  @Test("On bad networks every authenticated call has its answer", arguments: RxkadLevel.allCases, UInt64(1)...5)
  func badNetwork(level: RxkadLevel, seed: UInt64) throws {
    let set: (inout World.Options) -> Void = { options in
      options.conditions = NetworkConditions(delay: .milliseconds(5))
      options.conditions.lostPerMille = 100
      options.conditions.duplicatedPerMille = 50
      options.conditions.jitter = .milliseconds(5)
    }
    try World.run(seed: seed, set) { world async throws in
      let root = Self.privateRoot(world)
      let service = try Self.fileService(world, as: world.cell.makeCredential(for: "alice"), level: level)
      for _ in 0..<30 {
        #expect(await Self.access(service, root) == .success([.read, .lookup, .write, .insert]))
      }
    }
  }
}
