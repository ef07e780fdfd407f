import AFSBase
import AFSMockServer
import AFSTypes
import ArgumentParser
import Glibc
import Logging
import ProgramEnd
import RxCore
import RxTransport
import SystemPackage

/// `afsmock`: a cell in memory on real sockets, to try afsfuse with and to test against.
@main
struct AFSMockCommand: AsyncParsableCommand {
  /// Where clients look for each service (OpenAFS src/afs/afs.h: AFS_FSPORT, AFS_VLPORT; ptserver's is 7002).
  private static let filePort: UInt16 = 7000
  private static let protectionPort: UInt16 = 7002
  private static let locationPort: UInt16 = 7003

  static let configuration = CommandConfiguration(
    commandName: "afsmock",
    abstract: "Serves an AFS cell from memory: volume location, files, protection, callbacks.",
    discussion: """
      The cell has the volumes root.afs and root.cell, open to everybody. With --populate, root.cell holds a copy of a
      folder. Prints "afsmock: ready" when it can be used, and ends on SIGINT or SIGTERM; nothing is kept.

      With --user the cell has users, who come authenticated by rxkad. There is no KDC: --token-folder writes a token for
      each, and prints the keyctl command that puts it into a session keyring, where afsfuse finds it. Keys and tokens
      are new ones at each start.
      """)

  @Option(help: ArgumentHelp("The IPv4 address to listen on.", valueName: "address"))
  var listen = "127.0.0.1"

  @Option(
    help: ArgumentHelp(
      "How many fileservers; the first has the address of --listen, each other the next address.", valueName: "number"))
  var servers = 1

  @Option(help: ArgumentHelp("The cell's name.", valueName: "name"))
  var cell = "mock.example"

  @Option(help: ArgumentHelp("A folder that is copied into root.cell.", valueName: "folder"))
  var populate: String?

  @Option(help: ArgumentHelp("Quota of root.cell in KiB; 0 for none.", valueName: "kib"))
  var quota: UInt64 = 0

  @OptionGroup(title: "Users")
  var users: MockUsers

  func validate() throws {
    guard CellName(cell) != nil else { throw ValidationError("'\(cell)' is no cell name.") }
    guard Self.address(listen) != nil else { throw ValidationError("'\(listen)' is no IPv4 address.") }
    guard (1...16).contains(servers) else { throw ValidationError("--servers must be from 1 to 16.") }
  }

  /// Dotted decimal to the address's 32 bits.
  static func address(_ text: String) -> UInt32? {
    var parsed = in_addr()
    guard inet_pton(AF_INET, text, &parsed) == 1 else { return nil }
    return UInt32(bigEndian: parsed.s_addr)
  }

  func run() async throws { try await RunFailure.reported(by: "afsmock") { try await serve() } }

  private func serve() async throws {
    TerminationSignals.catchThem()
    let base = Self.address(listen) ?? 0
    var transports: [RxTransport] = []
    for number in 0..<servers {
      transports.append(try Self.transport(base + UInt32(number), Self.filePort))
    }
    let databases = [try Self.transport(base, Self.locationPort), try Self.transport(base, Self.protectionPort)]
    let mock = MockCell(
      name: CellName(cell)!, seed: UInt64(getpid()) << 32 | UInt64(time(nil)), timer: transports[0].timer)
    for (number, transport) in transports.enumerated() {
      mock.addServer(
        addresses: [RxAddress(ipv4: base + UInt32(number), port: Self.filePort)], caller: transport)
      for service in mock.fileServices(ofServer: number) {
        transport.register(service)
        transport.register(
          mock.serverSecurity(ofServer: number, minimumLevel: users.minSecurity), for: service.id)
      }
    }
    for (transport, service) in zip(databases, mock.databaseServices()) {
      transport.register(service)
      transport.register(mock.serverSecurity(ofServer: nil, minimumLevel: users.minSecurity), for: service.id)
    }
    try fill(mock)
    for line in try users.writeTokens(of: mock, cell: CellName(cell)!) { print("afsmock: \(line)") }
    print("afsmock: ready, cell \(cell) at \(listen)")
    fflush(nil)
    await TerminationSignals.wait()
    for transport in transports + databases { await transport.shutDown() }
  }

  func fill(_ mock: MockCell) throws {
    let rootAFS = mock.makeVolume("root.afs", server: 0)
    let rootCell = mock.makeVolume("root.cell", server: 0, quota: quota)
    mock.makeMountPoint(cell, in: .root(of: rootAFS), target: "#root.cell.")
    users.add(to: mock, rootCell: .root(of: rootCell))
    guard let populate else { return }
    do {
      let count = try mock.populate(.root(of: rootCell), from: FilePath(populate))
      print("afsmock: \(count) files, folders and links from \(populate)")
    } catch {
      throw RunFailure("\(populate) cannot be read: \(error)")
    }
  }

  static func transport(_ address: UInt32, _ port: UInt16) throws(RunFailure) -> RxTransport {
    let options = RxTransportOptions(address: RxAddress(ipv4: address, port: port), port: port)
    do {
      return try RxTransport(options: options)
    } catch {
      throw RunFailure("\(RxAddress(ipv4: address, port: port)): \(error)")
    }
  }
}
