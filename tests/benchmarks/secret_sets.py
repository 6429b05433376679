# ruff: noqa: E501 - a table
"""Secrets by kind, and what only speaks of them: how each is drawn, and the sentences or files that it stands in."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import string
import uuid
from collections.abc import Callable

Make = Callable[[random.Random], str]

_ALNUM = string.ascii_letters + string.digits
_URLSAFE = _ALNUM + "-_"
_PLAIN_FRAMES = (
    "Use {} for the calls.",
    "key: {}",
    'client = Client("{}")',
    "export API={}",
    "Is {} still valid?",
    "{}",
)


def _of(alphabet: str, length: int) -> Make:
    return lambda rng: "".join(rng.choices(alphabet, k=length))


def _after(prefix: str, alphabet: str, length: int) -> Make:
    return lambda rng: prefix + "".join(rng.choices(alphabet, k=length))


def _jwt(rng: random.Random) -> str:
    parts = (
        json.dumps({"alg": "HS256", "typ": "JWT"}),
        json.dumps({"sub": str(rng.randrange(10**9)), "iat": 15162390}),
    )
    packed = [base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts]
    return ".".join((*packed, "".join(rng.choices(_URLSAFE, k=43))))


def _pem(name: str) -> Make:
    def make(rng: random.Random) -> str:
        body = base64.b64encode(rng.randbytes(600)).decode()
        lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
        return f"-----BEGIN {name}-----\n{lines}\n-----END {name}-----"

    return make


def _password(rng: random.Random) -> str:
    word = rng.choice(("Autumn", "hunter", "Blue", "tiger", "Coffee", "dragon", "Zebra", "moonLight"))
    return rng.choice(
        (
            f"{word}{rng.randrange(10, 9999)}{rng.choice('!@#$%&*?')}",
            f"{word}-{rng.randrange(10, 99)}-{rng.choice(('Piano', 'river', 'Lamp'))}",
            "".join(rng.choices(_ALNUM, k=10)) + rng.choice("!#%*") + str(rng.randrange(10)),
            f"{rng.choice('!@#$')}{word.lower()}{rng.randrange(100, 999)}",
        )
    )


def _azure_key(rng: random.Random) -> str:
    return base64.b64encode(rng.randbytes(64)).decode()


POSITIVE: tuple[tuple[str, Make, tuple[str, ...]], ...] = (
    ("OpenAI key", _after("sk-", _ALNUM, 48), _PLAIN_FRAMES),
    ("OpenAI project key", _after("sk-proj-", _URLSAFE, 60), _PLAIN_FRAMES),
    ("Anthropic key", _after("sk-ant-api03-", _URLSAFE, 90), _PLAIN_FRAMES),
    ("OpenRouter key", _after("sk-or-v1-", "0123456789abcdef", 64), _PLAIN_FRAMES),
    ("AWS key id", _after("AKIA", string.ascii_uppercase + "234567", 16), _PLAIN_FRAMES),
    ("AWS secret key", _of(_ALNUM + "/+", 40), ("aws_secret_access_key = {}", "AWS_SECRET_ACCESS_KEY={}", '"SecretAccessKey": "{}"')),
    ("GitHub token", _after("ghp_", _ALNUM, 36), _PLAIN_FRAMES),
    ("GitHub fine-grained token", _after("github_pat_", _ALNUM + "_", 82), _PLAIN_FRAMES),
    ("GitLab token", _after("glpat-", _URLSAFE, 20), _PLAIN_FRAMES),
    ("Slack token", lambda rng: f"xoxb-{rng.randrange(10**11, 10**12)}-{rng.randrange(10**12, 10**13)}-{_of(_ALNUM, 24)(rng)}", _PLAIN_FRAMES),
    ("Slack webhook", lambda rng: f"https://hooks.slack.com/services/T{_of(string.ascii_uppercase, 8)(rng)}/B{_of(string.ascii_uppercase, 8)(rng)}/{_of(_ALNUM, 24)(rng)}", _PLAIN_FRAMES),
    ("Google API key", _after("AIza", _URLSAFE, 35), _PLAIN_FRAMES),
    ("Google OAuth secret", _after("GOCSPX-", _URLSAFE, 28), _PLAIN_FRAMES),
    ("Stripe key", _after("sk_live_", _ALNUM, 24), _PLAIN_FRAMES),
    ("SendGrid key", lambda rng: f"SG.{_of(_URLSAFE, 22)(rng)}.{_of(_URLSAFE, 43)(rng)}", _PLAIN_FRAMES),
    ("Twilio key", _after("SK", "0123456789abcdef", 32), _PLAIN_FRAMES),
    ("npm token", _after("npm_", _ALNUM, 36), _PLAIN_FRAMES),
    ("PyPI token", _after("pypi-AgEIcHlwaS5vcmc", _URLSAFE, 70), _PLAIN_FRAMES),
    ("Hugging Face token", _after("hf_", string.ascii_letters, 34), _PLAIN_FRAMES),
    ("DigitalOcean token", _after("dop_v1_", "0123456789abcdef", 64), _PLAIN_FRAMES),
    ("Databricks token", _after("dapi", "0123456789abcdef", 32), _PLAIN_FRAMES),
    ("Docker token", _after("dckr_pat_", _URLSAFE, 27), _PLAIN_FRAMES),
    ("Vault token", _after("hvs.", _URLSAFE, 90), _PLAIN_FRAMES),
    ("Telegram token", lambda rng: f"{rng.randrange(10**8, 10**10)}:AA{_of(_URLSAFE, 33)(rng)}", _PLAIN_FRAMES),
    ("Discord token", lambda rng: f"M{_of(_ALNUM, 23)(rng)}.{_of(_URLSAFE, 6)(rng)}.{_of(_URLSAFE, 38)(rng)}", ("bot.run('{}')", "DISCORD_TOKEN={}", "token: {}")),
    ("Shopify token", _after("shpat_", "0123456789abcdef", 32), _PLAIN_FRAMES),
    ("Grafana token", _after("glsa_", _ALNUM, 32), _PLAIN_FRAMES),
    ("Linear key", _after("lin_api_", _ALNUM, 40), _PLAIN_FRAMES),
    ("Notion token", _after("ntn_", _ALNUM, 46), _PLAIN_FRAMES),
    ("Groq key", _after("gsk_", _ALNUM, 52), _PLAIN_FRAMES),
    ("age key", _after("AGE-SECRET-KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58), _PLAIN_FRAMES),
    ("JWT", _jwt, _PLAIN_FRAMES),
    ("RSA private key", _pem("RSA PRIVATE KEY"), ("{}", "My key:\n{}\nplease check it.")),
    ("OpenSSH private key", _pem("OPENSSH PRIVATE KEY"), ("{}", "cat id_ed25519\n{}")),
    ("PGP private key", _pem("PGP PRIVATE KEY BLOCK"), ("{}", "Import this:\n{}\n")),
    ("private key in JSON", lambda rng: json.dumps(_pem("PRIVATE KEY")(rng))[1:-1], ('{{"private_key": "{}"}}'.replace("{{", "{").replace("}}", "}"),)),
    ("PostgreSQL address", _of(_ALNUM + "!*", 12), ("postgres://app:{}@db.example.com:5432/claims",)),
    ("MongoDB address", _of(_ALNUM, 16), ("mongodb+srv://root:{}@cluster0.ab1cd.mongodb.net/prod", "uri = mongodb://admin:{}@10.0.0.5/admin")),
    ("Redis address", _of(_ALNUM, 20), ("redis://:{}@cache.example.com:6379/0", "REDIS_URL=rediss://default:{}@cache.example.com:6380")),
    ("AMQP address", _of(_ALNUM, 12), ("amqp://guest1:{}@mq.example.com:5672/vhost",)),
    ("link with a password", _of(_ALNUM, 12), ("git clone https://jane:{}@git.example.com/team/app.git",)),
    ("Azure storage key", _azure_key, ("DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={};EndpointSuffix=core.windows.net",)),
    ("ADO connection string", _password, ("Server=tcp:db.example.com;Database=crm;User ID=sa;Password={};Encrypt=true;", "Data Source=ORCL;User Id=scott;Pwd={};")),
    ("JDBC address", _of(_ALNUM, 14), ("jdbc:mysql://db.example.com/crm?user=app&password={}", "jdbc:postgresql://h/crm?user=app&password={}&ssl=true")),
    ("password in an environment", _password, ("DB_PASSWORD={}", "export PGPASSWORD={}", 'MYSQL_ROOT_PASSWORD="{}"', "SMTP_PASS={}")),
    ("password in YAML", _password, ("db:\n  user: app\n  password: {}\n", "spring.datasource.password: {}", "  adminPassword: '{}'")),
    ("password in JSON", _password, ('{"user": "app", "password": "{}"}', '{"userPassword":"{}"}', '{"auth": {"pass": "{}"}}')),
    ("password in code", _password, ("password = '{}'", 'conn.connect(user="app", passwd="{}")', 'private static final String PASSWORD = "{}";', "const dbPassword = `{}`;")),
    ("password in XML", _password, ("<password>{}</password>", '<add key="DbPassword" value="{}"/>', "<Secret>{}</Secret>")),
    ("password on a command line", _password, ("mysql -u root --password={} crm", "sshpass -p '{}' ssh jane@host.example.com", "curl -u jane:{} https://api.example.com/v1", "docker login -u jane -p {}")),
    ("password in a sentence", _password, ("My password is {} and it does not work.", "The wifi password is {}", "Log in with user jane and password {} please.", "Use {} as the password.", "pw: {}", "Her new passcode is {}.", "username: jane, password: {}")),
    ("password of two lines", _password, ("Username: jane\nPassword: {}\n", "User: jane\nPass: {}", "login: jane\npwd: {}")),
    ("API key assigned", _of("0123456789abcdef", 32), ("api_key = '{}'", "X-API-Key: {}", "apikey={}", '"apiKey": "{}"', "DATADOG_API_KEY={}")),
    ("API key in an address", _of(_ALNUM, 32), ("https://api.example.com/v1/data?api_key={}", "GET /v1?apikey={}&q=1", "https://api.example.com/x?access_token={}")),
    ("API key in a sentence", _of(_ALNUM, 32), ("My API key is {}, why do I get 401?", "the secret key is {}", "Our api token: {}")),
    ("client secret", lambda rng: f"{_of(_ALNUM, 8)(rng)}~{_of(_URLSAFE, 30)(rng)}", ("client_secret={}", '"clientSecret": "{}"', "AZURE_CLIENT_SECRET: {}")),
    ("bearer token", _of(_ALNUM, 40), ("Authorization: Bearer {}", "-H 'authorization: Bearer {}'", '"Authorization": "Token {}"')),
    ("basic authorization", lambda rng: base64.b64encode(b"jane:" + _password(rng).encode()).decode(), ("Authorization: Basic {}", '{"authorization": "Basic {}"}')),
    ("session cookie", _of("0123456789abcdef", 40), ("Cookie: sessionid={}", "Set-Cookie: session_token={}; HttpOnly", "Cookie: JSESSIONID={}; lang=de")),
    ("npmrc and netrc", _of(_ALNUM, 24), ("//registry.example.com/:_authToken={}", "machine api.example.com login jane password {}")),
    ("Kubernetes secret", lambda rng: base64.b64encode(_password(rng).encode()).decode(), ("kind: Secret\ndata:\n  password: {}\n",)),
    ("one-time seed", _of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 32), ("otpauth://totp/acme:jane?secret={}&issuer=acme", "TOTP secret: {}")),
)  # fmt: skip


def _one_of(*lines: str) -> Make:
    return lambda rng: rng.choice(lines)


def _digest(rng: random.Random) -> str:
    return hashlib.sha256(rng.randbytes(8)).hexdigest()


NEGATIVE: tuple[tuple[str, Make], ...] = (
    ("environment", _one_of(
        "api_key = os.environ['OPENAI_API_KEY']", "password=${DB_PASSWORD}", "const key = process.env.STRIPE_KEY;", "token: ${{ secrets.GITHUB_TOKEN }}",
        'secret = ENV.fetch("SECRET_KEY_BASE")', "PASSWORD=$(cat /run/secrets/db)", "client_secret: !vault secret/data/app", "auth_token = getenv('AUTH_TOKEN')",
        'passwd = config["db"]["password"]', "DB_PASSWORD={{ db_password }}", "apiKey: import.meta.env.VITE_API_KEY", "password: !Ref MasterPassword")),
    ("stand-in", _one_of(
        "api_key = 'YOUR_API_KEY'", "password: changeme", "token=<your token here>", "OPENAI_API_KEY=sk-...", "password = '********'", "secret: xxxxxxxxxxxxxxxx",
        "postgres://user:password@localhost/db", "mysql://USER:PASSWORD@HOST/DB", "api_key: REPLACE_ME", "Authorization: Bearer <token>", "client_secret=...",
        'key = "insert-your-key-here"', "postgres://user:${PGPASSWORD}@db/app", "Authorization: Bearer YOUR_TOKEN_HERE", "password: [REDACTED]")),
    ("code", _one_of(
        "password = getpass.getpass()", "def login(user: str, password: str) -> Token:", "token = tokens[i + 1]", "if (password === confirmPassword) {", "max_tokens: 4096",
        "token = self.tokenizer.next_token()", "this.password = password;", "passwordField.setText(user.getPassword());", "secret_key=settings.SECRET_KEY,",
        "hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt())", "num_tokens=128, pad_token=eos_token", "password = Column(String(255), nullable=False)",
        "SELECT password_hash FROM users WHERE id = 7;", "key = lambda item: item.score", "private_key = rsa.generate_private_key(65537, 2048)", "pwd=$(pwd)",
        "const accessToken = await getAccessToken();", 'input type="password" name="password" id="pw1"', "token_type: bearer", "secret = secrets.token_hex(32)",
        "api_key: Optional[str] = None", "passwords = ['a', 'b']", "primary_key=True", "public_key=load_pem_public_key(data)", "sort_key=itemgetter(1)")),
    ("question", _one_of(
        "How do I reset my password in Outlook?", "What makes a strong password?", "The password is incorrect.", "Password must be at least 12 characters long.",
        "Is an API key the same as a token?", "Explain the difference between a session token and a JWT.", "My password is not working since Monday.",
        "The secret is to keep the dough cold.", "What does 401 mean when my token is expired?", "The key is under the mat.", "Password: required, 8-64 characters",
        "The passphrase is optional.", "Her secret: practice every day.", "The token is valid for 30 days.", "Write a poem about a secret garden key.",
        "How is password hashing done with bcrypt?", "The password was changed on Friday.", "Use a password manager.", "Key: A minor, tempo 120")),
    ("hash", lambda rng: rng.choice((f"sha256:{_digest(rng)}", f"commit {_digest(rng)[:40]}", f'integrity="sha384-{_digest(rng)}"', f"digest {_digest(rng)}"))),
    ("uuid", lambda rng: rng.choice(("request {}", "trace {}", "tenant {}", '{{"id": "{}"}}')).format(uuid.UUID(int=rng.getrandbits(128)))),
    ("public key", lambda rng: rng.choice((
        f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{_of(_ALNUM, 43)(rng)} jane@host",
        f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(rng.randbytes(90)).decode()}\n-----END PUBLIC KEY-----",
        f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(rng.randbytes(300)).decode()}\n-----END CERTIFICATE-----"))),
    ("image", lambda rng: f"data:image/png;base64,iVBORw0KGgo{base64.b64encode(rng.randbytes(300)).decode()}"),
    ("identifier", lambda rng: rng.choice((
        f"call_{_of(_ALNUM, 24)(rng)}", f"chatcmpl-{_of(_ALNUM, 29)(rng)}", f"msg_{_of(_ALNUM, 24)(rng)}", f"pk_{_of(string.ascii_lowercase, 8)(rng)}",
        f"i-0{_of('0123456789abcdef', 16)(rng)}", f"arn:aws:iam::{rng.randrange(10**11, 10**12)}:role/app", f"cus_{_of(_ALNUM, 14)(rng)}",
        f"https://youtu.be/{_of(_URLSAFE, 11)(rng)}", f"session {rng.randrange(1, 9)} of {rng.randrange(10, 20)}"))),
    ("settings", _one_of(
        "token_limit: 8192", "password_min_length = 12", "key_size: 2048", "api_key_header: X-API-Key", "secret_name: my-app-db", "tokens_per_second: 20",
        "passwordPolicy: strict", "auth_token_ttl=3600", "access_key_rotation: 90d", "keyboard: us-intl", "monkey: 12345678", "token_endpoint: /oauth2/token",
        "password_reset_url: /reset", "ssh_key_path: ~/.ssh/id_ed25519", "secretRef: db-credentials", "pass: 12, fail: 3", "passed: 1024", "key: value")),
)  # fmt: skip
