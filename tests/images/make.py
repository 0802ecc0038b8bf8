#!/usr/bin/env python3
"""Makes the pictures of this folder and the first inputs of tests/fuzz/fuzz_picture and fuzz_search. They are kept in git; this is their recipe.

make.py [FOLDER]...    needs qrencode and convert (ImageMagick 6); "styled" also rsvg-convert, "screen" also Xvfb,
                       xterm, import and build/bin/qr-draw

photo   a code on paper or a screen, seen by a bad camera: each picture one trouble or two
mirrored  the same as a front camera or a call shows it
heif    HEIC and AVIF files
far     a small code in a large dark picture
hidden  a code of which one finder cannot be seen: under a sticker, struck through, torn off, in glare
worn    a code of which no finder has a whole ring
styled  codes as designers draw them: dots, round finders, colours that are equally light, a logo
screen  screenshots of terminals: our drawings, and those of qrencode with and without seams between the glyphs
fp-own  nothing to read: textures, text, finders without a code, codes with too much gone
Pictures are the same for the same ImageMagick; another version may move a pixel, which is why they are kept.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LINK = "HTTP://192.168.178.%d:8460/U/ABCDEFGHIJKLMNOPQRSTUVWXYA"
SEALED = "HTTPS://QRX.EXAMPLE.NET/U/ABCDEFGHIJKLMNOPQRSTUVWXYA#AGE1" + "Q" * 58


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, **options)


def code(path, text, scale=8, margin=4):
    run("qrencode", "-l", "L", "-s", scale, "-m", margin, "-o", path, text)


class Folder:
    def __init__(self, name):
        self.name, self.path, self.labels = name, HERE / name, {}
        self.path.mkdir(exist_ok=True)
        for old in self.path.iterdir():
            old.unlink()

    def add(self, file, texts):
        self.labels[file] = {"texts": texts}
        return self.path / file

    def close(self):
        (self.path / "manifest.json").write_text(json.dumps(self.labels, indent=1, sort_keys=True) + "\n")


# What happens to a code of 264 to 392 pixels on a desk of 640x480. Numbers were turned until it hurts.
PHOTOS = {
    "straight": [],
    "turned": ["-rotate", "27"],
    "upside-down": ["-rotate", "187"],
    "mirrored": ["-flop"],
    "inverted": ["-negate"],
    "from-the-side": ["-virtual-pixel", "white", "-distort", "Perspective", "0,0 60,30 300,0 280,0 300,300 250,330 0,300 70,260"],
    "from-below": ["-virtual-pixel", "white", "-distort", "Perspective", "0,0 70,90 300,0 230,90 300,300 300,300 0,300 0,300"],
    "bent": ["-virtual-pixel", "white", "-distort", "Barrel", "0.0 0.18 0.0"],
    "pillow": ["-virtual-pixel", "white", "-distort", "Barrel", "0.0 -0.18 0.0"],
    "wave": ["-background", "white", "-wave", "10x420"],
    "soft": ["-blur", "0x3.2"],
    "moved": ["-motion-blur", "0x5+20"],
    "moved-far": ["-motion-blur", "0x6.5+80"],
    "pale": ["+level", "40%,62%"],
    "dark": ["+level", "2%,16%"],
    "noisy": ["-seed", "3", "-attenuate", "2.2", "+noise", "Gaussian"],
    "dark-noisy": ["+level", "5%,30%", "-seed", "4", "-attenuate", "0.7", "+noise", "Gaussian"],
    "small": ["-resize", "22%"],
    "small-soft": ["-resize", "34%", "-blur", "0x0.8"],
    "coarse": ["-scale", "25%", "-scale", "400%", "-quality", "8"],
    "shadow": ["(", "+clone", "-fill", "white", "-colorize", "100", "-fill", "gray30", "-draw", "polygon 0,0 190,0 60,400 0,400", "-blur", "0x12", ")",
               "-compose", "multiply", "-composite"],
    "glare": ["(", "+clone", "-fill", "black", "-colorize", "100", "-fill", "gray80", "-draw", "circle 180,150 230,170", "-blur", "0x30", ")",
              "-compose", "screen", "-composite"],
    "no-quiet-zone": ["-shave", "36x36", "-bordercolor", "gray20", "-border", "36"],
    "stained": ["-fill", "black", "-draw", "circle 190,190 205,190", "-fill", "white", "-draw", "rectangle 120,210 150,222"],
    "moire": ["-tile", "pattern:horizontal2", "-set", "option:compose:args", "60", "(", "+clone", "-fill", "white", "-colorize", "100",
              "-tile", "pattern:gray50", "-draw", "color 0,0 reset", "-blur", "0x0.6", "+level", "55%,100%", ")", "-compose", "multiply", "-composite", "-resize", "71%"],
    "ink-ran": ["-morphology", "Erode", "Disk:2.5", "-background", "white", "-wave", "6x300", "-rotate", "12", "-blur", "0x2", "+level", "15%,70%"],
}


def photos(work):
    folder = Folder("photo")
    for number, (name, trouble) in enumerate(PHOTOS.items()):
        text = SEALED if name == "straight" else LINK % number
        code(work / "code.png", text, 9)
        target = folder.add(name + ".jpg", [text])
        run("convert", work / "code.png", "-colorspace", "sRGB", "-type", "TrueColor", *trouble, work / "seen.png")
        run("convert", "-size", "560x480", "gradient:gray75-gray50", work / "seen.png", "-gravity", "center", "-compose", "over", "-composite",
            "-colorspace", "Gray", "-strip", "-quality", "45", target)
    code(work / "code.png", "just a word", 6)
    code(work / "link.png", LINK % 200, 4)
    run("convert", work / "code.png", "(", work / "link.png", "-negate", ")", "-background", "gray", "+append", "-strip",
        "-quality", "60", folder.add("other-code-first.jpg", ["just a word", LINK % 200]))
    run("convert", work / "link.png", "-strip", folder.add("link.webp", [LINK % 200]))
    run("convert", work / "link.png", "-strip", folder.add("link.gif", [LINK % 200]))
    run("convert", work / "link.png", "-strip", "-type", "Palette", "BMP3:" + str(folder.add("link.bmp", [LINK % 200])))
    run("convert", work / "link.png", "-transparent", "white", "-strip", folder.add("transparent.png", [LINK % 200]))
    folder.close()


def mirrored(work):
    folder = Folder("mirrored")
    for number, name in enumerate(("straight", "turned", "upside-down", "inverted", "from-the-side", "from-below", "wave", "soft", "pale",
                                   "noisy", "small-soft", "shadow", "no-quiet-zone", "stained")):
        text = LINK % (120 + number)
        code(work / "code.png", text, 9)
        run("convert", work / "code.png", "-colorspace", "sRGB", "-type", "TrueColor", *PHOTOS[name], work / "seen.png")
        run("convert", "-size", "560x480", "gradient:gray75-gray50", work / "seen.png", "-gravity", "center", "-compose", "over", "-composite",
            "-flop", "-colorspace", "Gray", "-strip", "-quality", "45", folder.add(name + ".jpg", [text]))
    folder.close()


def heif(work):
    # As telephones and browsers write them: lossy, without loss, a little transparent, ten bits.
    folder = Folder("heif")
    for number, (name, options) in enumerate({"plain.heic": [], "plain.avif": [], "side.heic": PHOTOS["from-the-side"], "side.avif": PHOTOS["from-the-side"],
                                              "red-on-green.heic": ["-fill", "red", "-opaque", "black", "-fill", "#008b00", "-opaque", "white"],
                                              "transparent.avif": ["-transparent", "white"], "deep.avif": ["-depth", "10"]}.items()):
        text = LINK % (240 + number)
        code(work / "code.png", text, 6)
        run("convert", work / "code.png", "-colorspace", "sRGB", "-type", "TrueColorAlpha" if "-transparent" in options else "TrueColor", *options, "-strip",
            "-quality", "50", folder.add(name, [text]))
    folder.close()


def far(work):
    folder = Folder("far")
    places = {"left": ("-850-300", "34%", "gray12", "0"), "right": ("+900+420", "38%", "gray20", "12"), "below": ("-200+600", "42%", "gray25", "-25")}
    for number, (name, (place, size, light, turn)) in enumerate(places.items()):
        text = LINK % (140 + number)
        code(work / "code.png", text, 8)
        run("convert", work / "code.png", "-colorspace", "sRGB", "-fill", light, "-opaque", "white", "-background", "gray8", "-rotate", turn,
            "-resize", size, work / "seen.png")
        run("convert", "-size", "2600x1900", f"gradient:gray{5 + 3 * number}-gray1", work / "seen.png", "-gravity", "center", "-geometry", place,
            "-composite", "-blur", "0x0.8", "-seed", "7", "-attenuate", "0.15", "+noise", "Gaussian", "-colorspace", "Gray", "-strip",
            "-quality", "40", folder.add(name + ".jpg", [text]))
    folder.close()


def hidden(work):
    folder = Folder("hidden")
    views = {"straight": [], "turned": ["-rotate", "31"], "from-the-side": PHOTOS["from-the-side"]}
    for number, (place, view) in enumerate(((p, v) for p in ("corner", "across", "down") for v in views)):
        text = LINK % (220 + number)
        code(work / "code.png", text, 9)
        side = int(run("identify", "-format", "%w", work / "code.png", capture_output=True, text=True).stdout)
        x, y = (side - 36 - 63 if place == "across" else 36), (side - 36 - 63 if place == "down" else 36)
        troubles = {
            "sticker": ["-fill", "gray70", "-draw", f"circle {x + 32},{y + 32} {x + 32},{y + 76}"],
            "struck": ["-fill", "none", "-stroke", "gray10", "-strokewidth", "6", "-draw", f"line {x - 50},{y + 20} {x + 130},{y + 48}"],
            "torn": ["-fill", "white", "-draw", f"polygon {x + 10},{y - 40} {x + 80},{y - 40} {x + 66},{y + 20} {x + 36},{y + 34} {x - 40},{y + 30}"],
        }
        for name, trouble in troubles.items():
            run("convert", work / "code.png", "-colorspace", "sRGB", "-type", "TrueColor", *trouble, "-stroke", "none", *views[view],
                work / "seen.png")
            run("convert", "-size", "560x480", "gradient:gray75-gray50", work / "seen.png", "-gravity", "center", "-compose", "over",
                "-composite", "-blur", "0x0.8", "-colorspace", "Gray", "-strip", "-quality", "45",
                folder.add(f"{name}-{place}-{view}.jpg", [text]))
    folder.close()


def worn(work):
    folder = Folder("worn")
    views = {"straight": [], "turned": ["-rotate", "31"], "from-the-side": PHOTOS["from-the-side"]}
    # From the middle of a finder to those of the gaps, modules; and how far a gap reaches to each side.
    gaps = {"corners": ([(-3, -3), (3, -3), (3, 3), (-3, 3)], 0.8), "edges": ([(0, -3), (3, 0), (0, 3), (-3, 0)], 1)}
    for number, (gap, view) in enumerate(((g, v) for g in gaps for v in views)):
        text = LINK % (160 + number)
        code(work / "code.png", text, 9)
        side = int(run("identify", "-format", "%w", work / "code.png", capture_output=True, text=True).stdout) / 9
        places, reach = gaps[gap]
        holes = " ".join(f"rectangle {9 * (x + dx - reach)},{9 * (y + dy - reach)} {9 * (x + dx + reach)},{9 * (y + dy + reach)}"
                         for x, y in ((7.5, 7.5), (side - 7.5, 7.5), (7.5, side - 7.5)) for dx, dy in places)
        run("convert", work / "code.png", "-colorspace", "sRGB", "-type", "TrueColor", "-fill", "white", "-draw", holes, *views[view],
            work / "seen.png")
        run("convert", "-size", "560x480", "gradient:gray75-gray50", work / "seen.png", "-gravity", "center", "-compose", "over",
            "-composite", "-blur", "0x0.8", "-colorspace", "Gray", "-strip", "-quality", "45", folder.add(f"{gap}-{view}.jpg", [text]))
    folder.close()


STYLED = {  # name: shape of the modules and of the finders, their colours and the ground's, is there a logo
    "dots-on-white.png": ("dot", 3.5, "navy", "white", False),
    "dots-gradient.png": ("dot", 2, "purple orange", "white", True),
    "small-dots-logo.jpg": ("small", 3.5, "#008b00", "white", True),
    "diamonds-light-on-dark.jpg": ("diamond", 2, "#40e0d0", "#101830", False),
    "bars.jpg": ("bar", 2, "#c00060", "#fff0d0", False),
    "blue-on-black.jpg": ("square", 3.5, "#3050ff", "#202020", False),
    "red-on-brown.png": ("square", 3.5, "#ff3030", "#301010", False),
    "green-on-red.jpg": ("dot", 3.5, "green", "red", False),
    "magenta-on-green.jpg": ("round", 0, "magenta", "#008b00", False),
    "yellow-on-gray.jpg": ("small", 3.5, "yellow", "#999999", True),
    "red-on-blue.png": ("round", 2, "red", "blue", False),
    "white-on-orange.jpg": ("round", 2, "white", "#ff8000", False),
    "orange-on-white.png": ("square", 2, "orange", "white", False),
    "purple-on-orange.jpg": ("round", 3.5, "purple", "orange", False),
}
MODULES = {
    "square": '<rect x="{x}" y="{y}" width="1.02" height="1.02"/>', "dot": '<circle cx="{mx}" cy="{my}" r=".45"/>',
    "small": '<circle cx="{mx}" cy="{my}" r=".33"/>', "diamond": '<path d="M{mx} {y} l.5 .5 -.5 .5 -.5 -.5z"/>',
    "round": '<rect x="{x}" y="{y}" width="1" height="1" rx=".3"/>', "bar": '<rect x="{x}.12" y="{y}" width=".76" height="1" rx=".2"/>',
}


def drawing(text, shape, radius, ink, ground, logo):
    """A code as SVG, a module a unit; ink: a colour, or two between which it changes."""
    rows = run("qrencode", "-l", "Q", "-m", "0", "-t", "ASCII", text, capture_output=True, text=True).stdout.splitlines()
    dark = [[row[2 * x] == "#" for x in range(len(rows))] for row in rows]
    side, margin = len(rows), 3
    far = side - 7
    colours = ink.split()
    fill = "url(#ink)" if len(colours) == 2 else ink
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{8 * (side + 2 * margin)}" height="{8 * (side + 2 * margin)}"'
           f' viewBox="{-margin} {-margin} {side + 2 * margin} {side + 2 * margin}"><defs>'
           f'<linearGradient id="ink" gradientUnits="userSpaceOnUse" x1="0" y1="0" x2="{side}" y2="{side}">'
           f'<stop offset="0" stop-color="{colours[0]}"/><stop offset="1" stop-color="{colours[-1]}"/></linearGradient></defs>'
           f'<rect x="-9" y="-9" width="999" height="999" fill="{ground}"/><g fill="{fill}">']
    for y in range(side):
        for x in range(side):
            if dark[y][x] and not (min(x, y) < 7 and max(x, y) < 7 or x >= far and y < 7 or x < 7 and y >= far):
                out.append(MODULES[shape].format(x=x, y=y, mx=x + 0.5, my=y + 0.5))
    out.append("</g>")
    for x, y in ((0, 0), (far, 0), (0, far)):
        out.append(f'<rect x="{x + 0.5}" y="{y + 0.5}" width="6" height="6" rx="{max(0, radius - 0.5)}" fill="none" stroke="{fill}"/>'
                   f'<rect x="{x + 2}" y="{y + 2}" width="3" height="3" rx="{min(1.5, 0.43 * radius)}" fill="{fill}"/>')
    if logo:
        out.append(f'<circle cx="{side / 2}" cy="{side / 2}" r="4" fill="{ground}"/><circle cx="{side / 2}" cy="{side / 2}" r="3.4" fill="teal"/>')
    return "".join(out) + "</svg>"


def styled(work):
    folder = Folder("styled")
    for number, (name, style) in enumerate(STYLED.items()):
        text = LINK % (160 + number)
        (work / "code.svg").write_text(drawing(text, *style))
        run("rsvg-convert", "-o", work / "code.png", work / "code.svg")
        run("convert", work / "code.png", "-alpha", "off", "-depth", "8", "-strip", "-quality", "60", folder.add(name, [text]))
    # On a cup, so to speak: seen from the side, with a surrounding of its own.
    for number, name in enumerate(("green-on-red.jpg", "magenta-on-green.jpg", "red-on-blue.png", "blue-on-black.jpg", "yellow-on-gray.jpg")):
        text = LINK % (180 + number)
        (work / "code.svg").write_text(drawing(text, *STYLED[name]))
        run("rsvg-convert", "-o", work / "code.png", work / "code.svg")
        run("convert", work / "code.png", "-alpha", "set", "-virtual-pixel", "transparent", "+distort", "Perspective",
            "0,0 60,30 300,0 280,0 300,300 250,330 0,300 70,260", "+repage", work / "seen.png")
        run("convert", "-size", "640x480", "gradient:tan-steelblue", work / "seen.png", "-gravity", "center", "-composite", "-blur", "0x0.7",
            "-alpha", "off", "-depth", "8", "-strip", "-quality", "60", folder.add("photo-" + name.split(".")[0] + ".jpg", [text]))
    folder.close()


SCREENS = {  # name: font, size, theme, command
    "ours-dejavu-dark": ("DejaVu Sans Mono", 10, "dark", "qr-draw 80 24 256 {text}"),
    "ours-dejavu-light": ("DejaVu Sans Mono", 10, "light", "qr-draw 80 24 256 {text}"),
    "ours-liberation-dark": ("Liberation Mono", 10, "dark", "qr-draw 80 24 256 {text}"),
    "ours-liberation-light": ("Liberation Mono", 12, "light", "qr-draw 80 24 16 {text}"),
    "ours-eight-colours": ("DejaVu Sans Mono", 9, "light", "qr-draw 80 24 8 {text}"),
    "ours-plain": ("DejaVu Sans Mono", 10, "light", "qr-draw 80 24 none {text}"),
    "ours-two-columns": ("Liberation Mono", 8, "dark", "qr-draw 100 50 256 {text}"),
    "qrencode-utf8-dark": ("DejaVu Sans Mono", 10, "dark", "qrencode -l L -t UTF8 {text}"),
    "qrencode-utf8-light": ("DejaVu Sans Mono", 10, "light", "qrencode -l L -t UTF8 {text}"),
    "qrencode-ansi-dark": ("Liberation Mono", 8, "dark", "qrencode -l L -t ANSI256 {text}"),
    "qrencode-ansiutf8-light": ("Liberation Mono", 10, "light", "qrencode -l L -t ANSIUTF8 {text}"),
}


def screens(work):
    folder = Folder("screen")
    read, write = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "1100x1000x24", "-nolisten", "tcp"], pass_fds=[write],
                              stderr=subprocess.DEVNULL)
    os.close(write)
    environment = dict(os.environ, DISPLAY=":" + os.read(read, 16).decode().strip(), PATH=f"{ROOT}/build/bin:{os.environ['PATH']}")
    try:
        for number, (name, (font, size, theme, command)) in enumerate(SCREENS.items()):
            text = LINK % (100 + number)
            columns = "100x50" if "100 50" in command or "ANSI256" in command else "80x24"
            ready = work / "ready"
            # The terminal answers where its cursor is once it has drawn everything.
            shell = f"{command.format(text=text)}; printf '\\033[6n'; stty -echo -icanon; IFS= read -r -d R; : >{ready}; sleep 30"
            colours = ["-fg", "gray90", "-bg", "black"] if theme == "dark" else ["-fg", "black", "-bg", "white"]
            terminal = subprocess.Popen(["xterm", *colours, "-fa", font, "-fs", str(size), "-geometry", columns + "+10+10", "-e", "bash", "-c", shell],
                                        env=environment, stderr=subprocess.DEVNULL)
            while not ready.exists():
                if terminal.poll() is not None:
                    sys.exit(f"xterm ended: {name}")
            subprocess.run(["sleep", "0.5"], check=True)
            run("import", "-silent", "-window", "root", work / "shot.png", env=environment)
            run("convert", work / "shot.png", "-trim", "-colors", "16", "-strip", folder.add(name + ".png", [text]))
            terminal.kill()
            terminal.wait()
            ready.unlink()
    finally:
        server.kill()
        server.wait()
    folder.close()


def nothing(work):
    folder = Folder("fp-own")
    code(work / "code.png", SEALED, 6)
    finish = ["-colorspace", "Gray", "-strip", "-quality", "45"]
    run("convert", "-size", "400x300", "-seed", "1", "plasma:black-white", *finish, folder.add("plasma.jpg", []))
    run("convert", "-size", "300x300", "-seed", "2", "xc:gray", "+noise", "Random", "-scale", "133%", "-threshold", "50%", *finish, folder.add("noise.jpg", []))
    run("convert", "-size", "400x400", "pattern:checkerboard", *finish, folder.add("checkerboard.jpg", []))
    text = (ROOT / "LICENSE").read_text() if (ROOT / "LICENSE").exists() else "Permission is hereby granted, free of charge\n" * 20
    page = text[:1500].replace("%", "").replace("\\", "")
    run("convert", "-font", "DejaVu-Sans-Mono", "-pointsize", "12", "label:" + page, *finish, folder.add("text.jpg", []))
    for name, hole in {"without-middle": "90,90 270,270", "without-right": "190,0 400,400", "without-bottom": "0,150 400,400"}.items():
        run("convert", work / "code.png", "-type", "TrueColor", "-fill", "white", "-draw", f"rectangle {hole}", *finish, folder.add(f"{name}.jpg", []))
    finder = "M {x},{y} h 70 v 70 h -70 z m 10,10 v 50 h 50 v -50 z m 10,10 h 30 v 30 h -30 z"
    path = " ".join(finder.format(x=x, y=y) for x, y in ((40, 40), (230, 40), (40, 230)))
    run("convert", "-size", "340x340", "xc:white", "-fill", "black", "-draw", f"fill-rule nonzero path '{path}'", *finish, folder.add("finders-only.jpg", []))
    run("convert", "-size", "340x340", "xc:white", "-seed", "5", "+noise", "Random", "-scale", "10x10", "-scale", "340x340!", "-threshold", "50%",
        "-fill", "black", "-draw", f"path '{path}'", *finish, folder.add("finders-in-noise.jpg", []))
    folder.close()


def seeds(work):
    target = ROOT / "tests/fuzz/fuzz_picture"
    target.mkdir(exist_ok=True)
    picture = ["-size", "24x17", "-seed", "1", "plasma:red-blue", "-strip"]
    for name, extra in {
            "gray.png": ["-colorspace", "Gray"], "palette.png": ["-colors", "4", "-type", "Palette"], "interlaced.png": ["-interlace", "PNG"],
            "alpha.png": ["-transparent", "red", "-alpha", "on"], "colour.jpg": [], "progressive.jpg": ["-interlace", "JPEG"],
            "cmyk.jpg": ["-colorspace", "CMYK"], "lossy.webp": [], "lossless.webp": ["-define", "webp:lossless=true"], "plain.gif": [],
            "interlaced.gif": ["-interlace", "GIF"]}.items():
        run("convert", *picture, *extra, target / name)
    for name, extra in {"colour": [], "palette": ["-colors", "9", "-type", "Palette"], "two": ["-monochrome"]}.items():
        run("convert", *picture, *extra, f"BMP3:{target / name}.bmp")
    # For the whole chain: a byte for the width, one for the kind of search, then a byte a pixel.
    target = ROOT / "tests/fuzz/fuzz_search"
    target.mkdir(exist_ok=True)
    for name, kind, text in (("photo", 0, "hello"), ("any", 1, "hello"), ("screen", 2, "hello"), ("watch", 4, "hello"), ("link", 0, LINK % 7)):
        code(work / "code.png", text, 1)
        pixels = run("convert", work / "code.png", "-depth", "8", "gray:-", capture_output=True).stdout
        side = int(len(pixels) ** 0.5)
        (target / name).write_bytes(bytes([side - 1, kind]) + pixels)


def main():
    makers = {"photo": photos, "mirrored": mirrored, "heif": heif, "far": far, "hidden": hidden, "worn": worn, "styled": styled, "screen": screens, "fp-own": nothing, "seeds": seeds}
    with tempfile.TemporaryDirectory() as work:
        for name in sys.argv[1:] or makers:
            makers[name](pathlib.Path(work))


if __name__ == "__main__":
    main()
